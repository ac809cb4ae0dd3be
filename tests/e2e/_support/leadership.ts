// SPDX-License-Identifier: Apache-2.0

import type { LeadershipEvent } from "../../../src/consensus/driver.ts";
import type { Oracle } from "../../../src/server/mod.ts";

/** The wall clock of every oracle here: it stands still, so that answers are known to the bit. */
export const NOW_MS = 1_700_000_000_000;
/** An epoch with both halves. */
export const EPOCH = (7n << 64n) | 0xffff_ffff_ffff_fff0n;
/** A follower that knows its leader, and the bytes of that hint (behaviour.md 15.5). */
export const FOLLOWER: LeadershipEvent = {
  kind: "follower",
  leaderEndpoint: { host: "10.0.0.7", port: 50551 },
  leaderEpoch: 42n,
};
/** A node that has not heard of any leader. */
export const UNKNOWN: LeadershipEvent = { kind: "unknown" };

/** Waits until an oracle has heard of its first leadership. */
export async function untilHeard(oracle: Oracle, initial: LeadershipEvent): Promise<void> {
  if (initial.kind === "unknown") return;
  if (initial.kind === "leader") return await oracle.untilServing();
  const stop = new AbortController();
  for await (const state of oracle.watchState({ signal: stop.signal })) {
    if (state.kind === "not-serving" && state.leaderEpoch !== undefined) break;
  }
}
