// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type {
  ConsensusDriver,
  DriverCallOptions,
  LeadershipEvent,
} from "../../src/consensus/driver.ts";
import type { LeaseRecord } from "../../src/core/lease_table.ts";
import type { SequenceRequest } from "../../src/core/sequence.ts";
import { MemoryDriver } from "../../src/drivers/memory/driver.ts";
import type { MemoryDriverOptions } from "../../src/drivers/memory/driver.ts";
import { testDriverConformance } from "../../src/testing/driver_conformance.ts";
import type { DriverFeature } from "../../src/testing/driver_conformance.ts";
import { driverWithout } from "../../src/testing/driver_without.ts";
import type { OptionalDriverMethod } from "../../src/testing/driver_without.ts";

const memoryOf = new WeakMap<ConsensusDriver, MemoryDriver>();

/** A driver that keeps the contract and lacks some methods; without a list, all that it may. */
function lacking(methods?: readonly OptionalDriverMethod[]): ConsensusDriver {
  const memory = new MemoryDriver();
  const driver = driverWithout(memory, methods);
  memoryOf.set(driver, memory);
  return driver;
}

/** The titles of the conformance tests that a driver fails. */
async function failures(
  make: (options?: MemoryDriverOptions) => ConsensusDriver,
  without: readonly DriverFeature[] = [],
): Promise<string[]> {
  const tests: Array<readonly [string, () => Promise<void>]> = [];
  testDriverConformance("it:", {
    test: (name, fn) => tests.push([name, fn]),
    open: () => Promise.resolve(make()),
    openWith: (content) => Promise.resolve(make(content)),
    close: () => Promise.resolve(),
    reopen: (driver) => Promise.resolve(driver),
    supersede: (driver) => {
      const memory = driver instanceof MemoryDriver ? driver : memoryOf.get(driver);
      memory?.announce({ kind: "follower", leaderEpoch: 2n });
      return Promise.resolve();
    },
    without,
  });
  const failed: string[] = [];
  for (const [name, fn] of tests) await fn().catch(() => failed.push(name));
  return failed;
}

class EndsByItself extends MemoryDriver {
  override async *leadershipEvents(): AsyncGenerator<LeadershipEvent> {
    yield await Promise.resolve({ kind: "leader", epoch: 1n } as const);
  }
}

class AnswersLate extends MemoryDriver {
  override async *leadershipEvents(
    options: { readonly signal: AbortSignal },
  ): AsyncGenerator<LeadershipEvent> {
    await new Promise((resolve) => setTimeout(resolve));
    yield* super.leadershipEvents(options);
  }
}

class ReportsOlderEpochs extends MemoryDriver {
  override async *leadershipEvents(
    options: { readonly signal: AbortSignal },
  ): AsyncGenerator<LeadershipEvent> {
    for await (const event of super.leadershipEvents(options)) {
      yield event.kind === "follower" ? { ...event, leaderEpoch: 0n } : event;
    }
  }
}

class SetsInsteadOfMax extends MemoryDriver {
  #storedMs = 0;

  override loadHighWater(): Promise<number> {
    return Promise.resolve(this.#storedMs);
  }

  override async persistHighWater(atLeastMs: number, epoch: bigint): Promise<number> {
    await super.persistHighWater(atLeastMs, epoch);
    this.#storedMs = atLeastMs;
    return atLeastMs;
  }
}

class EchoesTheRequest extends MemoryDriver {
  override async persistHighWater(atLeastMs: number, epoch: bigint): Promise<number> {
    await super.persistHighWater(atLeastMs, epoch);
    return atLeastMs;
  }
}

class IgnoresEpochs extends MemoryDriver {
  override persistHighWater(atLeastMs: number): Promise<number> {
    return super.persistHighWater(atLeastMs, 2n);
  }
}

class LoadsStaleValues extends MemoryDriver {
  #previousMs = 0;

  override async loadHighWater(): Promise<number> {
    const stale = this.#previousMs;
    this.#previousMs = await super.loadHighWater();
    return stale;
  }
}

class TakesAnyNumber extends MemoryDriver {
  override async persistHighWater(atLeastMs: number, epoch: bigint): Promise<number> {
    const kept = Number.isInteger(atLeastMs) ? Math.min(Math.max(atLeastMs, 0), 2 ** 46 - 1) : 0;
    return await super.persistHighWater(kept, epoch);
  }
}

type Requests = readonly SequenceRequest[];

class ForgetsABlock extends MemoryDriver {
  override async advanceDenseBatch(
    requests: Requests,
    epoch: bigint,
    options?: DriverCallOptions,
  ): Promise<readonly bigint[]> {
    await super.advanceDenseBatch(requests, epoch, options);
    return await super.advanceDenseBatch(requests, epoch, options);
  }
}

class SharesBlocks extends MemoryDriver {
  #shared: Promise<readonly bigint[]> | undefined;

  override advanceDenseBatch(
    requests: Requests,
    epoch: bigint,
    options?: DriverCallOptions,
  ): Promise<readonly bigint[]> {
    this.#shared ??= super.advanceDenseBatch(requests, epoch, options).finally(() => {
      this.#shared = undefined;
    });
    return this.#shared;
  }
}

class TakesHalfOfABatch extends MemoryDriver {
  override async advanceDenseBatch(
    requests: Requests,
    epoch: bigint,
    options?: DriverCallOptions,
  ): Promise<readonly bigint[]> {
    const starts: bigint[] = [];
    for (const request of requests) {
      starts.push(...await super.advanceDenseBatch([request], epoch, options));
    }
    return starts;
  }
}

class IgnoresSignals extends MemoryDriver {
  override advanceDenseBatch(requests: Requests, epoch: bigint): Promise<readonly bigint[]> {
    return super.advanceDenseBatch(requests, epoch);
  }
}

class ForgetsWhoGaveUp extends MemoryDriver {
  override async advanceDenseBatch(
    requests: Requests,
    epoch: bigint,
    options: DriverCallOptions = {},
  ): Promise<readonly bigint[]> {
    const starts = await super.advanceDenseBatch(requests, epoch, options);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    options.signal?.throwIfAborted();
    return starts;
  }
}

class FoldsKeys extends MemoryDriver {
  override loadDenseSeq(key: string): Promise<bigint> {
    return super.loadDenseSeq(key.normalize());
  }

  override advanceDenseBatch(
    requests: Requests,
    epoch: bigint,
    options?: DriverCallOptions,
  ): Promise<readonly bigint[]> {
    const folded = requests.map(({ key, count }) => ({ key: key.normalize(), count }));
    return super.advanceDenseBatch(folded, epoch, options);
  }
}

class TakesUnderAnyEpoch extends MemoryDriver {
  override advanceDenseBatch(requests: Requests): Promise<readonly bigint[]> {
    return super.advanceDenseBatch(requests, 2n);
  }

  override persistLeases(leases: readonly LeaseRecord[]): Promise<void> {
    return super.persistLeases(leases, 2n);
  }
}

class KeepsOldLeases extends MemoryDriver {
  override async persistLeases(leases: readonly LeaseRecord[], epoch: bigint): Promise<void> {
    const ids = new Set(leases.map(({ leaseId }) => leaseId));
    const old = (await super.loadLeases()).filter(({ leaseId }) => !ids.has(leaseId));
    await super.persistLeases([...old, ...leases], epoch);
  }
}

class CutsHolders extends MemoryDriver {
  override persistLeases(leases: readonly LeaseRecord[], epoch: bigint): Promise<void> {
    const cut = leases.map((lease) => ({ ...lease, holder: lease.holder.subarray(0, 127) }));
    return super.persistLeases(cut, epoch);
  }
}

class PersistsLeasesInAnyOrder extends MemoryDriver {
  #turns = 100;

  override async persistLeases(leases: readonly LeaseRecord[], epoch: bigint): Promise<void> {
    this.#turns--;
    for (let turn = this.#turns; turn > 0; turn--) await Promise.resolve();
    await super.persistLeases(leases, epoch);
  }
}

const BROKEN: ReadonlyArray<readonly [typeof MemoryDriver, RegExp]> = [
  [EndsByItself, /stays open until its signal fires/],
  [AnswersLate, /has the current state ready/],
  [ReportsOlderEpochs, /never reports an older epoch/],
  [SetsInsteadOfMax, /answers a lower request with the stored value/],
  [EchoesTheRequest, /answers a lower request with the stored value/],
  [IgnoresEpochs, /under a superseded epoch is refused/],
  [LoadsStaleValues, /loadHighWater\(\) sees it/],
  [TakesAnyNumber, /refuses what does not fit 46 bits/],
  [ForgetsABlock, /from 0 on, without a gap/],
  [SharesBlocks, /concurrent calls get blocks/],
  [TakesHalfOfABatch, /ends at the counter 2\^64 - 1/],
  [TakesHalfOfABatch, /beyond the limit is refused/],
  [IgnoresSignals, /whose signal has fired takes nothing/],
  [ForgetsWhoGaveUp, /took its block and says so, or took nothing/],
  [FoldsKeys, /tells keys apart/],
  [TakesUnderAnyEpoch, /advanceDense\(\) under a superseded epoch/],
  [TakesUnderAnyEpoch, /persistLeases\(\) under a superseded epoch/],
  [KeepsOldLeases, /replaces all leases/],
  [CutsHolders, /keeps every property of a lease/],
  [PersistsLeasesInAnyOrder, /in the order of the calls/],
];

Deno.test("testDriverConformance() passes a driver that keeps the contract", async () => {
  assert.deepEqual(await failures((options) => new MemoryDriver(options)), []);
});

Deno.test("testDriverConformance() passes a driver without sequences and leases that says so", async () => {
  assert.deepEqual(await failures(() => lacking(), ["sequences", "leases"]), []);
});

Deno.test("testDriverConformance() fails a driver that lacks what it does not say", async () => {
  for (const without of [[], ["sequences"]] as const) {
    const failed = await failures(() => lacking(["advanceDenseBatch"]), without);
    assert.ok(failed.some((name) => /has (no sequences|loadDenseSeq)/.test(name)), failed.join());
  }
});

for (const [Broken, title] of BROKEN) {
  const what = `${Broken.name}, ${title.source}`;
  Deno.test(`testDriverConformance() catches a driver that breaks it: ${what}`, async () => {
    const failed = await failures((options) => new Broken(options));
    assert.ok(
      failed.some((name) => title.test(name)),
      `failed only ${failed.join(", ") || "none"}`,
    );
  });
}
