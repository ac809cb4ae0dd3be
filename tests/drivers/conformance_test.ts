// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { LeadershipEvent } from "../../src/consensus/driver.ts";
import { MemoryDriver } from "../../src/drivers/memory/driver.ts";
import { testDriverConformance } from "../../src/testing/driver_conformance.ts";

/** The titles of the conformance tests that a driver fails. */
async function failures(make: () => MemoryDriver): Promise<string[]> {
  const tests: Array<readonly [string, () => Promise<void>]> = [];
  testDriverConformance("it:", {
    test: (name, fn) => tests.push([name, fn]),
    open: () => Promise.resolve(make()),
    close: () => Promise.resolve(),
    reopen: (driver) => Promise.resolve(driver),
    supersede: (driver) => {
      driver.announce({ kind: "follower", leaderEpoch: 2n });
      return Promise.resolve();
    },
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

const BROKEN: ReadonlyArray<readonly [typeof MemoryDriver, RegExp]> = [
  [EndsByItself, /stays open until its signal fires/],
  [AnswersLate, /has the current state ready/],
  [ReportsOlderEpochs, /never reports an older epoch/],
  [SetsInsteadOfMax, /answers a lower request with the stored value/],
  [EchoesTheRequest, /answers a lower request with the stored value/],
  [IgnoresEpochs, /under a superseded epoch is refused/],
  [LoadsStaleValues, /loadHighWater\(\) sees it/],
  [TakesAnyNumber, /refuses what does not fit 46 bits/],
];

Deno.test("testDriverConformance() passes a driver that keeps the contract", async () => {
  assert.deepEqual(await failures(() => new MemoryDriver()), []);
});

for (const [Broken, title] of BROKEN) {
  Deno.test(`testDriverConformance() catches a driver that breaks it: ${Broken.name}`, async () => {
    const failed = await failures(() => new Broken());
    assert.ok(
      failed.some((name) => title.test(name)),
      `failed only ${failed.join(", ") || "none"}`,
    );
  });
}
