// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { Epoch } from "../../core/epoch.ts";
import { isFenced, isTransient } from "./driver_check.ts";
import type { DriverTrial } from "./driver_check.ts";
import { tryUntil } from "./patience.ts";

/** How a call ended. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/** Waits for a call to end, in whatever way: it may do so while nobody looks. */
export async function outcomeOf<T>(call: Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await call };
  } catch (error) {
    return { error };
  }
}

/** What a call returned; `undefined` if it met a fault that may pass. */
export function orTransient<T>(outcome: Outcome<T>): T | undefined {
  if ("value" in outcome) return outcome.value;
  const { error } = outcome;
  assert.ok(isTransient(error), `without an answer of the engine a call threw ${error}`);
  return undefined;
}

/** Writes until it is answered, as the oracle does after a fault: under the epoch of now, each time. */
export async function writeAfterFault(
  trial: DriverTrial,
  write: (epoch: Epoch) => Promise<unknown>,
): Promise<void> {
  const attempt = async () => {
    try {
      await write(await trial.lead());
      return true;
    } catch (error) {
      assert.ok(isTransient(error) || isFenced(error), `after the fault a write threw ${error}`);
      return false;
    }
  };
  await tryUntil(attempt, { signal: trial.ended });
}

/** Expects that a write which the engine does not answer is given up, as a fault that may pass. */
export async function givenUp(write: Promise<unknown>, what: string): Promise<void> {
  await write.then(
    () => assert.fail(`${what} was answered although the engine was silent`),
    (error) =>
      assert.ok(isTransient(error), `without an answer of the engine ${what} threw ${error}`),
  );
}
