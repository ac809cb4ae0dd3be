// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { TransientError } from "../../src/consensus/errors.ts";
import { MAX_COUNT } from "../../src/core/timestamp.ts";
import { OracleError } from "../../src/server/errors.ts";
import type { LeaseGrant } from "../../src/core/lease_table.ts";
import { Oracle } from "../../src/server/oracle.ts";
import { ManualClock, settle } from "../../src/testing/manual_clock.ts";
import { ScriptedDriver } from "../../src/testing/scripted_driver.ts";
import { scaled } from "../_support/levels.ts";
import { claimOf } from "../server/_support/leases.ts";

const WINDOW_MS = 3_000;
const ADVANCE_MS = 1_000;
const TTLS_MS = [5_000, 10_000, 300_000] as const;
/** Calls of GetTs take whole milliseconds, so bursts of them move the cursor ahead of the clock. */
const BURST = 20;

/** One thing that happens to an oracle with leases. */
type Step =
  | { readonly kind: "pass" | "jump"; readonly ms: number }
  | {
    readonly kind: "acquire";
    readonly holder: number;
    readonly epoch: bigint;
    readonly ttlMs: number;
  }
  | { readonly kind: "renew" | "release"; readonly pick: number }
  | { readonly kind: "grant"; readonly calls: number }
  | { readonly kind: "mishap"; readonly mishap: Mishap }
  | { readonly kind: "safe" | "change" };

/**
 * What happens to the next lease operation: its bound fails, its set fails before or after it reached the
 * store, or the write of the set takes its time, in which timestamps are granted.
 */
type Mishap =
  | { readonly at: "bound" | "before" | "after" }
  | { readonly at: "slow"; readonly ms: number };

const ACQUIRE = fc.record({
  kind: fc.constant("acquire" as const),
  holder: fc.nat({ max: 5 }),
  epoch: fc.bigInt({ min: 1n, max: 3n }),
  ttlMs: fc.constantFrom(...TTLS_MS),
});
const RENEW = fc.record({ kind: fc.constant("renew" as const), pick: fc.nat() });
const RELEASE = fc.record({ kind: fc.constant("release" as const), pick: fc.nat() });
const GRANT = fc.record({ kind: fc.constant("grant" as const), calls: fc.nat({ max: BURST }) });
const PASS = fc.record({
  kind: fc.constant("pass" as const),
  ms: fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 8_000 })),
});
const JUMP = fc.record({
  kind: fc.constant("jump" as const),
  ms: fc.integer({ min: -400_000, max: 400_000 }),
});
const SAFE = fc.constant<Step>({ kind: "safe" });
const FAIL = fc.constantFrom<Mishap>({ at: "bound" }, { at: "before" }, { at: "after" })
  .map((mishap): Step => ({ kind: "mishap", mishap }));
const SLOW = fc.nat({ max: 8_000 })
  .map((ms): Step => ({ kind: "mishap", mishap: { at: "slow", ms } }));
const CHANGE = fc.constant<Step>({ kind: "change" });

function lifeOf(...steps: fc.Arbitrary<Step>[]): fc.Arbitrary<Step[]> {
  const often = [ACQUIRE, RENEW, RENEW, RENEW, RELEASE, GRANT, PASS, SAFE];
  return fc.array(fc.oneof(...often, ...steps), { minLength: 1, maxLength: 120, size: "max" });
}

/** An oracle with leases on a store that answers at once, and everything that must hold of it. */
class LeaseLife implements AsyncDisposable {
  readonly clock = new ManualClock({ nowMs: 1_700_000_000_000 });
  readonly #driver = new ScriptedDriver();
  readonly #oracle = new Oracle({
    driver: this.#driver,
    clock: this.clock,
    windowAheadMs: WINDOW_MS,
    failoverAdvanceMs: ADVANCE_MS,
    heartbeatIntervalMs: 0,
  });
  /** Called while a slow write is under way. */
  inTheMeantime: (() => void) | undefined;
  readonly #ids = new Map<number, string>();
  #epoch = 0n;
  #mishap: Mishap | undefined;
  #latestMs = this.clock.nowMs();
  #cursorMs = 0;
  #safeMs = 0;
  /** By how much leader changes and acquisitions may have moved the high-water. */
  #allowanceMs = 0;

  async changeLeader(): Promise<void> {
    this.#epoch += 1n;
    this.#allowanceMs += ADVANCE_MS + 1;
    this.#driver.announce({ kind: "leader", epoch: this.#epoch });
    await settle();
    assert(this.#oracle.isServing);
  }

  async live(step: Step): Promise<void> {
    switch (step.kind) {
      case "pass":
        await this.clock.advance(step.ms);
        break;
      case "jump":
        this.clock.jumpTo(this.clock.nowMs() + step.ms);
        break;
      case "acquire":
        await this.#acquire(step.holder, step.epoch, step.ttlMs);
        break;
      case "renew":
      case "release":
        await this.#about(step.kind, step.pick);
        break;
      case "grant":
        await this.#grant(step.calls);
        break;
      case "safe":
        this.#safeMs = Math.max(this.#safeMs, this.#oracle.currentMaxSafe().physicalMs);
        break;
      case "mishap":
        this.#mishap = step.mishap;
        break;
      case "change":
        await this.changeLeader();
    }
    this.#latestMs = Math.max(this.#latestMs, this.clock.nowMs());
    this.#checkLead();
  }

  get frontierMs(): number {
    return this.#oracle.leases.frontier().physicalMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#oracle.close();
  }

  async #acquire(holder: number, holderEpoch: bigint, ttlMs: number): Promise<void> {
    this.#allowanceMs += 1;
    const name = `holder-${holder}`;
    const owner = `${name}@${holderEpoch}`;
    const { leases } = this.#oracle;
    const grant = await this.#meet(() => leases.acquire(claimOf(name, { holderEpoch, ttlMs })));
    if (grant === undefined) return;
    assert.equal(this.#ids.get(grant.leaseId) ?? owner, owner, "an id of somebody else");
    this.#ids.set(grant.leaseId, owner);
    assert(this.frontierMs <= grant.boundMs, "the frontier has passed a lease");
  }

  async #about(verb: "renew" | "release", pick: number): Promise<void> {
    const ids = [...this.#ids.keys()];
    const id = ids[pick % Math.max(1, ids.length)] ?? 7;
    const before = this.#driver.highWaterMs;
    const nowMs = this.clock.nowMs();
    const isSlow = this.#mishap?.at === "slow";
    const { leases } = this.#oracle;
    const grant = await this.#meet<unknown>(() => leases[verb](id));
    if (isSlow) return;
    if (verb === "release") assert.equal(this.#driver.highWaterMs, before);
    else if (isGrant(grant)) {
      const reachMs = Math.max(before, nowMs + Math.max(...TTLS_MS));
      assert(this.#driver.highWaterMs <= reachMs, "a renewal alone went beyond now + ttl");
      assert(this.frontierMs <= grant.boundMs, "the frontier has passed a lease");
    }
  }

  /** Runs a lease operation with what is to happen to it. */
  async #meet<T>(ask: () => Promise<T>): Promise<T | undefined> {
    const mishap = this.#mishap;
    this.#mishap = undefined;
    const driver = this.#driver;
    const fail = () => {
      throw new TransientError("a hiccup");
    };
    if (mishap?.at === "bound") driver.beforePersist = fail;
    if (mishap?.at === "before") driver.beforePersistLeases = fail;
    if (mishap?.at === "after") driver.afterPersistLeases = fail;
    if (mishap?.at === "slow") {
      driver.beforePersistLeases = async () => {
        this.clock.jumpTo(this.clock.nowMs() + mishap.ms);
        await this.#grant(1);
        this.inTheMeantime?.();
      };
    }
    try {
      return await ask().catch(passing);
    } finally {
      driver.beforePersist = driver.beforePersistLeases = driver.afterPersistLeases = undefined;
    }
  }

  async #grant(calls: number): Promise<void> {
    for (let call = 0; call < calls; call++) {
      const { physicalMs } = await this.#oracle.getTs(MAX_COUNT);
      assert(physicalMs > this.#safeMs, `${physicalMs} is not above the safe point`);
      this.#cursorMs = physicalMs;
    }
  }

  /** The lead of the high-water over the latest clock, or over a cursor that bursts have driven ahead. */
  #checkLead(): void {
    const base = Math.max(this.#latestMs, this.#cursorMs);
    const reachMs = Math.max(...TTLS_MS, WINDOW_MS) + this.#allowanceMs;
    const leadMs = this.#driver.highWaterMs - base;
    assert(leadMs <= reachMs, `the high-water leads by ${leadMs} ms`);
  }
}

function isGrant(answer: unknown): answer is LeaseGrant {
  return answer !== undefined;
}

/** What a lease call may meet here. */
function passing(error: unknown): undefined {
  assert(error instanceof OracleError, String(error));
  assert.notEqual(error.code, "internal", error.message);
}

Deno.test("leases: the high-water leads the clock by no more than the longest ttl, 1 s and 1 ms per acquire", async () => {
  await fc.assert(
    fc.asyncProperty(lifeOf(JUMP, FAIL, SLOW, SAFE), async (steps) => {
      await using life = new LeaseLife();
      await life.changeLeader();
      for (const step of steps) await life.live(step);
    }),
    { numRuns: scaled(150, 5_000) },
  );
});

Deno.test("leases: grants stay above every safe point over jumps, faults and changes of leader", async () => {
  await fc.assert(
    fc.asyncProperty(lifeOf(JUMP, FAIL, SLOW, CHANGE, GRANT, SAFE), async (steps) => {
      await using life = new LeaseLife();
      await life.changeLeader();
      for (const step of steps) await life.live(step);
    }),
    { numRuns: scaled(150, 5_000) },
  );
});

Deno.test("leases: the frontier never goes back while the clock does not, over faults and changes of leader", async () => {
  await fc.assert(
    fc.asyncProperty(lifeOf(FAIL, FAIL, SLOW, SLOW, CHANGE), async (steps) => {
      await using life = new LeaseLife();
      await life.changeLeader();
      let before = 0;
      const look = () => {
        const { frontierMs } = life;
        assert(frontierMs >= before, `the frontier went back from ${before} to ${frontierMs}`);
        before = frontierMs;
      };
      life.inTheMeantime = look;
      for (const step of steps) {
        await life.live(step);
        look();
      }
    }),
    { numRuns: scaled(150, 5_000) },
  );
});
