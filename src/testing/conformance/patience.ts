// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { SystemClock } from "../../clock/system_clock.ts";

/** Waits on the machine's own clock: the drivers may have been given one that a test moves. */
const CLOCK = new SystemClock();

/** How long a state is left alone before it is looked at again. */
const POLL_MS = 25;

/** Long enough for an election that nobody contests. */
const TEMPTATION_MS = 300;

/** Leaves a driver alone that must not do something, so that it can be seen to do it. */
export async function letItErr(): Promise<void> {
  await CLOCK.delay(TEMPTATION_MS);
}

/** Settles like `promise`, or fails if that takes longer than `limitMs`. */
export async function within<T>(promise: Promise<T>, limitMs: number): Promise<T> {
  const settled = new AbortController();
  const late = CLOCK.delay(limitMs, { signal: settled.signal }).then(() =>
    assert.fail(`not done in ${limitMs} ms: a call never settled, or an expected event never came`)
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    settled.abort();
    await late.catch(() => {});
  }
}

/** Tries until it is told that it was enough. */
export async function tryUntil(
  attempt: () => Promise<boolean>,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  while (!await attempt()) await CLOCK.delay(POLL_MS, options);
}
