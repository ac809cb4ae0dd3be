// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { consensusCodeOf } from "../../../../src/consensus/errors.ts";
import type { LeaseRecord } from "../../../../src/core/lease_table.ts";
import type { ClusterDriver } from "../../../../src/drivers/cluster/driver.ts";
import type { SimulatedEngine } from "./simulated_engine.ts";

/** Sizes of blocks are powers of two, so that a gap tells which calls took it. */
const BLOCKS_PER_KEY = 50;

interface Key {
  readonly name: string;
  /** Blocks that calls were given. */
  readonly taken: { readonly start: bigint; readonly count: bigint }[];
  /** Sizes of the blocks of calls that were told that nobody knows. */
  unknown: bigint;
}

/** What callers of all nodes were told, and whether it fits what the engine holds. */
export class ClusterLedger {
  /** Calls that were answered with a value. */
  answered = 0;
  /** Calls whose outcome was not known. */
  unknown = 0;
  readonly #engine: SimulatedEngine;
  readonly #keys: Key[] = [];
  #calls = 0;
  #highWaterMs = 0;
  #leases = 0;
  readonly #answeredLeases = new Map<bigint, number>();
  #fault: unknown;

  constructor(engine: SimulatedEngine) {
    this.#engine = engine;
  }

  /** Throws what was found to be wrong in the background. */
  check(): void {
    if (this.#fault !== undefined) throw this.#fault;
    assert(this.#engine.highWaterMs >= this.#highWaterMs, "an acknowledged high-water was lost");
  }

  /** Calls everything that a leader calls, at its epoch. */
  use(driver: ClusterDriver, epoch: bigint): void {
    for (const call of [this.#advance, this.#persist, this.#replace]) {
      call.call(this, driver, epoch).catch((error: unknown) => this.#fault ??= error);
    }
  }

  /** Checks the ordinals as a whole, once nothing is under way. */
  checkOrdinals(): void {
    this.check();
    for (const { name, taken, unknown } of this.#keys) {
      const sorted = [...taken].sort((one, other) => one.start < other.start ? -1 : 1);
      let end = 0n;
      let missing = 0n;
      for (const { start, count } of sorted) {
        assert(start >= end, `${name}: ordinal ${start} was given out twice`);
        missing += start - end;
        end = start + count;
      }
      const next = this.#engine.sequences.counters.get(name) ?? 0n;
      assert(next >= end, `${name}: the counter is behind what was given out`);
      missing += next - end;
      assert.equal(missing & ~unknown, 0n, `${name}: ordinals are missing that nobody took`);
    }
  }

  async #advance(driver: ClusterDriver, epoch: bigint): Promise<void> {
    const index = this.#calls++;
    const key = this.#keys[Math.floor(index / BLOCKS_PER_KEY)] ??= {
      name: `key-${this.#keys.length}`,
      taken: [],
      unknown: 0n,
    };
    const count = 2 ** (index % BLOCKS_PER_KEY);
    try {
      const start = await driver.advanceDense({ key: key.name, count }, epoch);
      this.answered++;
      key.taken.push({ start, count: BigInt(count) });
    } catch (error) {
      const code = consensusCodeOf(error);
      if (code === "fenced" || code === "not-leader" || code === "unavailable") return;
      assert.equal(code, "transient", String(error));
      this.unknown++;
      key.unknown |= BigInt(count);
    }
  }

  async #persist(driver: ClusterDriver, epoch: bigint): Promise<void> {
    const atLeastMs = this.#engine.highWaterMs + 1;
    const known = this.#highWaterMs;
    try {
      const loadedMs = await driver.loadHighWater();
      assert(loadedMs >= known, "a load missed a write that was acknowledged before");
      const durableMs = await driver.persistHighWater(atLeastMs, epoch);
      assert(durableMs >= atLeastMs);
      this.#highWaterMs = Math.max(this.#highWaterMs, durableMs);
    } catch (error) {
      assert(consensusCodeOf(error) !== undefined, String(error));
      assert.doesNotMatch(String(error), /went back/);
    }
  }

  /** The generation of a replacement is in the id of its only lease. */
  async #replace(driver: ClusterDriver, epoch: bigint): Promise<void> {
    const generation = ++this.#leases;
    try {
      await driver.persistLeases([leaseOf(generation)], epoch);
    } catch (error) {
      assert(consensusCodeOf(error) !== undefined, String(error));
      return;
    }
    const before = this.#answeredLeases.get(epoch) ?? 0;
    this.#answeredLeases.set(epoch, Math.max(before, generation));
    this.checkLeases();
  }

  /** No replacement of an epoch arrives after a later one of that epoch, or of a later epoch, was answered. */
  checkLeases(): void {
    const latest = Math.max(0, ...this.#answeredLeases.values());
    const stored = this.#engine.leases.leases[0]?.leaseId ?? 0;
    assert(stored >= latest, `leases ${stored} have come after ${latest} were answered`);
  }
}

function leaseOf(leaseId: number): LeaseRecord {
  return {
    leaseId,
    holder: new Uint8Array([1]),
    holderEpoch: 1n,
    ttlMs: 1_000,
    boundMs: 0,
    expiresAtMs: 0,
    superseded: false,
  };
}
