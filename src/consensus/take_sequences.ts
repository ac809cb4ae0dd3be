// SPDX-License-Identifier: Apache-2.0

import type { SequenceRequest } from "../core/sequence.ts";
import type { SequenceCounters } from "../core/sequence_counters.ts";
import { SequenceKeyLimitError, SequenceOverflowError } from "./errors.ts";

/**
 * Takes a block of each of several distinct sequences, or of none, in the words of the contract.
 *
 * @returns the first ordinal of each, in the order of the requests
 * @throws {SequenceKeyLimitError} if a key is new and there are as many as there may be
 * @throws {SequenceOverflowError} if a counter would pass 2^64 - 1
 */
export function takeSequences(
  counters: SequenceCounters,
  requests: readonly SequenceRequest[],
): readonly bigint[] {
  const outcome = counters.take(requests);
  switch (outcome.kind) {
    case "taken":
      return outcome.starts;
    case "key-limit":
      throw new SequenceKeyLimitError(outcome.limit);
    case "overflow":
      throw new SequenceOverflowError(outcome.key, outcome.next, outcome.count);
  }
}
