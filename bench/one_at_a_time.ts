// SPDX-License-Identifier: Apache-2.0

import type { ConsensusDriver } from "../src/consensus/driver.ts";

/** A driver that has sequences. */
export type SequenceDriver =
  & ConsensusDriver
  & Required<Pick<ConsensusDriver, "loadDenseSeq" | "advanceDense">>;

/**
 * A driver as it would be without group commit: one call for ordinals after the other, so that each
 * pays for a durable write of its own.
 */
export function oneAtATime(driver: SequenceDriver): ConsensusDriver {
  let last: Promise<unknown> = Promise.resolve();
  return {
    leadershipEvents: (options) => driver.leadershipEvents(options),
    loadHighWater: (options) => driver.loadHighWater(options),
    persistHighWater: (atLeastMs, epoch, options) =>
      driver.persistHighWater(atLeastMs, epoch, options),
    loadDenseSeq: (key, options) => driver.loadDenseSeq(key, options),
    advanceDense(request, epoch, options) {
      const answer = last.then(() => driver.advanceDense(request, epoch, options));
      last = answer.catch(() => {});
      return answer;
    },
  };
}
