// SPDX-License-Identifier: Apache-2.0

import type { Grant } from "../../../src/core/allocator.ts";
import type { TimestampSource } from "../../../src/rpc/timestamp_source.ts";

/** A grant with something in every field. */
export const GRANT: Grant = {
  kind: "granted",
  physicalMs: 1_700_000_000_000,
  logicalStart: 5,
  count: 2,
  epoch: (1n << 64n) + 3n,
};

/** A source that grants {@linkcode GRANT} and answers a fixed safe point, but for what is overridden. */
export function fakeSource(overrides: Partial<TimestampSource> = {}): TimestampSource {
  return {
    getTs: () => GRANT,
    currentMaxSafe: () => ({ physicalMs: 1_699_999_999_999, epoch: GRANT.epoch }),
    ...overrides,
  };
}

/** A source whose every grant is refused with the error. */
export function refusingSource(error: unknown): TimestampSource {
  return fakeSource({
    getTs: () => {
      throw error;
    },
  });
}
