// SPDX-License-Identifier: Apache-2.0

import type { Grant } from "../../../src/core/allocator.ts";
import { OracleError } from "../../../src/server/errors.ts";
import type { ReadinessSource } from "../../../src/rpc/readiness.ts";
import type { TimestampSource } from "../../../src/rpc/timestamp_source.ts";

/** A grant with something in every field. */
export const GRANT: Grant = {
  kind: "granted",
  physicalMs: 1_700_000_000_000,
  logicalStart: 5,
  count: 2,
  epoch: (1n << 64n) + 3n,
};

function unsupported(): Promise<never> {
  return Promise.reject(new OracleError("unsupported", "a fake has neither sequences nor leases"));
}

/** The sequences and leases of a source that has none. */
export const UNSUPPORTED: Pick<TimestampSource, "sequences" | "leases"> = {
  sequences: { take: unsupported, takeBatch: unsupported },
  leases: {
    acquire: unsupported,
    renew: unsupported,
    release: unsupported,
    frontier: () => ({ physicalMs: 0, epoch: 0n }),
  },
};

/** What is mounted: the oracle with its readiness. */
export type FakeSource = TimestampSource & ReadinessSource;

/** A state of serving that never changes. */
export const ALWAYS_SERVING: ReadinessSource = {
  isServing: true,
  state: { kind: "serving", epoch: GRANT.epoch },
  async *watchState() {
    yield this.state;
  },
};

/** A source that grants {@linkcode GRANT} and answers a fixed safe point, but for what is overridden. */
export function fakeSource(overrides: Partial<FakeSource> = {}): FakeSource {
  return {
    getTs: () => GRANT,
    currentMaxSafe: () => ({ physicalMs: 1_699_999_999_999, epoch: GRANT.epoch }),
    ...UNSUPPORTED,
    ...ALWAYS_SERVING,
    ...overrides,
  };
}

/** A source whose every grant is refused with the error. */
export function refusingSource(error: unknown): FakeSource {
  return fakeSource({
    getTs: () => {
      throw error;
    },
  });
}
