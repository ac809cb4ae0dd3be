// SPDX-License-Identifier: Apache-2.0

import { MAX_SEQUENCE_KEY_BYTES, objectToSequence } from "../core/sequence.ts";
import type { SequenceRequest } from "../core/sequence.ts";
import type { SequenceCounters } from "../core/sequence_counters.ts";
import { SequenceKeyLimitError, SequenceOverflowError } from "./errors.ts";

/**
 * Takes a block of each of several sequences, or of none, in the words of the contract.
 *
 * @returns the first ordinal of each, in the order of the requests
 * @throws {SequenceKeyLimitError} if a key is new and there are as many as there may be
 * @throws {SequenceOverflowError} if a counter would pass 2^64 - 1
 * @throws {RangeError} if a request is none: a counter that went back would give ordinals out twice
 */
export function takeSequences(
  counters: SequenceCounters,
  requests: readonly SequenceRequest[],
): readonly bigint[] {
  requests.forEach(checkRequest);
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

function checkRequest(request: SequenceRequest): void {
  switch (objectToSequence(request, Number.MAX_SAFE_INTEGER)) {
    case "count":
      throw new RangeError(
        `Cannot take as 'count' must be a whole number from 1 to ${Number.MAX_SAFE_INTEGER}: current value is ${request.count}`,
      );
    case "key":
      throw new RangeError(
        `Cannot take as 'key' must have 1 to ${MAX_SEQUENCE_KEY_BYTES} bytes of UTF-8: current value is ${
          JSON.stringify(request.key)
        }`,
      );
  }
}
