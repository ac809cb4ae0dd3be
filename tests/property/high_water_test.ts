// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_COUNT } from "../../src/core/timestamp.ts";
import { scaled } from "../_support/levels.ts";
import { LongLife } from "./_support/long_life.ts";
import type { LifeOptions, PersistRequest } from "./_support/long_life.ts";

/** A stretch of a life. */
type Stretch =
  | { readonly kind: "idle"; readonly ms: number }
  | {
    readonly kind: "load";
    readonly calls: number;
    readonly gapMs: number;
    readonly count: number;
  }
  | { readonly kind: "burst"; readonly calls: number; readonly count: number }
  | { readonly kind: "change" }
  | { readonly kind: "hiccup"; readonly persists: number }
  | { readonly kind: "jump"; readonly ms: number };

const COUNT = fc.oneof(
  fc.constant(1),
  fc.constant(MAX_COUNT),
  fc.integer({ min: 1, max: MAX_COUNT }),
);
const CHANGE: Stretch = { kind: "change" };
const HOUR_MS = 3_600_000;

function stretch<K extends Stretch["kind"], F>(
  kind: K,
  fields: { [P in keyof F]: fc.Arbitrary<F[P]> },
) {
  return fc.record<F>(fields).map((values) => ({ kind, ...values }));
}

function life(parts: fc.Arbitrary<Stretch>[]): fc.Arbitrary<Stretch[]> {
  return fc.array(fc.oneof(...parts), { minLength: 1, maxLength: 25, size: "max" });
}

async function live(self: LongLife, part: Stretch): Promise<void> {
  switch (part.kind) {
    case "idle":
      return await self.pass(part.ms);
    case "load":
      for (let call = 0; call < part.calls; call++) {
        self.ask(part.count);
        await self.pass(part.gapMs);
      }
      return;
    case "burst":
      for (let call = 0; call < part.calls; call++) self.ask(part.count);
      return;
    case "change":
      return await self.changeLeader();
    case "hiccup":
      return self.fail(part.persists);
    case "jump":
      return self.jump(part.ms);
  }
}

const ANY_LIFE = life([
  stretch("idle", { ms: fc.nat({ max: 10_000 }) }),
  stretch("load", { calls: fc.nat({ max: 60 }), gapMs: fc.nat({ max: 40 }), count: COUNT }),
  stretch("burst", { calls: fc.nat({ max: 300 }), count: COUNT }),
  fc.constant(CHANGE),
  stretch("hiccup", { persists: fc.nat({ max: 3 }) }),
  stretch("jump", { ms: fc.integer({ min: -5_000, max: 5_000 }) }),
]);

/** Longer than any pause before a retry, and any persist. */
const RETRY_OR_PERSIST_MS = 300;

const ANY_OPTIONS = fc.record({
  windowAheadMs: fc.integer({ min: 30, max: 5_000 }),
  failoverAdvanceMs: fc.nat({ max: 5_000 }),
  refillFraction: fc.double({ min: 0.05, max: 0.95, noNaN: true }),
  latencyMs: fc.nat({ max: 200 }),
});

Deno.test("the high-water stays within one window of the clock or the cursor, whatever happens", async () => {
  await fc.assert(
    fc.asyncProperty(ANY_OPTIONS, ANY_LIFE, async (options, parts) => {
      const { windowAheadMs, failoverAdvanceMs } = options;
      const check = ({ atLeastMs, isFence, latestMs, cursorMs }: PersistRequest) => {
        const reachMs = isFence
          ? failoverAdvanceMs
          : Math.max(windowAheadMs + 1, failoverAdvanceMs);
        assert(atLeastMs <= Math.max(latestMs, cursorMs) + reachMs, `${atLeastMs} is out of reach`);
      };
      await using self = new LongLife(options, check);
      await self.changeLeader();
      for (const part of parts) await live(self, part);
      // At the worst, where a persist takes longer than a window lasts, each serves one call.
      for (let left = self.waiting + 5; left > 0; left--) await self.pass(RETRY_OR_PERSIST_MS);
      assert.equal(self.waiting, 0, "a call waits for ever");
    }),
    { numRuns: scaled(75, 5_000) },
  );
});

Deno.test("an engine slower than a window builds up no queue beyond the calls of two persists", async () => {
  const latencyMs = 4_000;
  const gapMs = 100;
  const options = {
    windowAheadMs: 3_000,
    failoverAdvanceMs: 1_000,
    refillFraction: 1 / 3,
    latencyMs,
  };
  await using self = new LongLife(options, () => {});
  await self.changeLeader();
  for (let call = 0; call < 2_000; call++) {
    self.ask(1);
    await self.pass(gapMs);
    assert(self.waiting <= 2 * latencyMs / gapMs, `${self.waiting} calls wait after ${call}`);
  }
});

/** Timestamps are asked for no faster than the clock makes room for them, but for a burst of this many ms. */
const BURST_MS = 20;

/** Slowest persist, and failures in a row, that the part left for a refill covers. */
const STEADY_LATENCY_MS = 50;
const STEADY_FAILURES = 2;

const STEADY_LIFE = life([
  stretch("idle", { ms: fc.oneof(fc.nat({ max: 5_000 }), fc.nat({ max: 2 * HOUR_MS })) }),
  stretch("load", {
    calls: fc.nat({ max: 100 }),
    gapMs: fc.integer({ min: 1, max: 300 }),
    count: COUNT,
  }),
  stretch("burst", { calls: fc.nat({ max: BURST_MS }), count: COUNT }),
  fc.constant(CHANGE),
  stretch("hiccup", { persists: fc.nat({ max: STEADY_FAILURES }) }),
]);

const STEADY_OPTIONS: fc.Arbitrary<LifeOptions> = fc.record({
  windowAheadMs: fc.constantFrom(2_400, 3_000, 10_000),
  failoverAdvanceMs: fc.constantFrom(600, 1_000, 3_000),
  refillFraction: fc.constantFrom(1 / 3, 1 / 2),
  latencyMs: fc.nat({ max: STEADY_LATENCY_MS }),
});

/** Rests after each part; changes of leader closer than this would each add failoverAdvanceMs for good. */
function restMs(part: Stretch, { failoverAdvanceMs }: LifeOptions): number {
  return part.kind === "change" ? failoverAdvanceMs + BURST_MS : BURST_MS;
}

/** How long a window lasts before a refill is due. */
function windowLastsMs({ windowAheadMs, refillFraction }: LifeOptions): number {
  return windowAheadMs - windowAheadMs * refillFraction;
}

Deno.test("the high-water never runs away from the clock, over hours of all that can happen", async () => {
  await fc.assert(
    fc.asyncProperty(STEADY_OPTIONS, STEADY_LIFE, async (options, parts) => {
      const { windowAheadMs, failoverAdvanceMs } = options;
      const reachMs = Math.max(windowAheadMs, failoverAdvanceMs) + failoverAdvanceMs + 2 * BURST_MS;
      const check = ({ atLeastMs, nowMs }: PersistRequest) =>
        assert(atLeastMs - nowMs <= reachMs, `${atLeastMs - nowMs} ms ahead of the clock`);
      await using self = new LongLife(options, check);
      for (const part of [CHANGE, ...parts]) {
        await live(self, part);
        await self.pass(restMs(part, options));
      }
    }),
    { numRuns: scaled(40, 2_000) },
  );
});

Deno.test("in steady state no request waits for a persist, the first one after idle hours included", async () => {
  await fc.assert(
    fc.asyncProperty(STEADY_OPTIONS, STEADY_LIFE, async (options, parts) => {
      await using self = new LongLife(options, () => {});
      for (const part of [CHANGE, ...parts]) {
        await live(self, part);
        await self.pass(restMs(part, options));
        self.ask(1);
        assert.equal(self.waited, 0, `a request waits after a stretch of ${part.kind}`);
      }
    }),
    { numRuns: scaled(40, 2_000) },
  );
});

Deno.test("no request waits for a persist either while the load runs ahead of the clock", async () => {
  const options = {
    windowAheadMs: 3_000,
    failoverAdvanceMs: 1_000,
    refillFraction: 1 / 3,
    latencyMs: 50,
  };
  await using self = new LongLife(options, () => {});
  await self.changeLeader();
  for (let ms = 0; ms < 5_000; ms++) {
    self.ask(MAX_COUNT);
    self.ask(MAX_COUNT);
    await self.pass(1);
  }
  assert.equal(self.waited, 0);
});

Deno.test("an idle oracle refills each window once and never sooner than it is due", async () => {
  await fc.assert(
    fc.asyncProperty(STEADY_OPTIONS, fc.nat({ max: HOUR_MS }), async (options, idleMs) => {
      const askedMs: number[] = [];
      await using self = new LongLife(options, ({ nowMs }) => void askedMs.push(nowMs));
      await self.changeLeader();
      await self.pass(options.windowAheadMs + options.failoverAdvanceMs);
      askedMs.length = 0;
      await self.pass(idleMs);
      const dueMs = windowLastsMs(options);
      for (const [index, ms] of askedMs.slice(1).entries()) {
        const gapMs = ms - (askedMs[index] ?? ms);
        assert(gapMs >= dueMs - 1, `a refill ${gapMs} ms after the one before`);
        assert(gapMs <= dueMs + 1, `a refill ${gapMs} ms after the one before, too late`);
      }
      assert(askedMs.length >= Math.floor(idleMs / (dueMs + 1)) - 1, "refills are missing");
    }),
    { numRuns: scaled(40, 1_000) },
  );
});

Deno.test("the safe point of an idle oracle follows the clock within one window", async () => {
  const pauses = fc.array(fc.nat({ max: 20_000 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(STEADY_OPTIONS, pauses, async (options, pausesMs) => {
      await using self = new LongLife(options, () => {});
      await self.changeLeader();
      await self.pass(options.windowAheadMs + options.failoverAdvanceMs);
      const lagMs = windowLastsMs(options) + options.latencyMs + 2;
      let before = self.safeMs;
      for (const ms of pausesMs) {
        await self.pass(ms);
        const { safeMs, nowMs } = self;
        assert(safeMs >= before, "the safe point went back");
        assert(safeMs < nowMs, "the safe point is not in the past");
        assert(safeMs >= nowMs - lagMs, `the safe point is ${nowMs - safeMs} ms behind`);
        before = safeMs;
      }
    }),
    { numRuns: scaled(50, 3_000) },
  );
});
