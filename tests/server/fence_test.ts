// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import {
  FencedError,
  NotLeaderError,
  PermanentError,
  TransientError,
} from "../../src/consensus/errors.ts";
import { PHYSICAL_MS_MAX } from "../../src/core/timestamp.ts";
import type { DriverCallOptions, LeadershipEvent } from "../../src/consensus/driver.ts";
import { deferred } from "../../src/core/deferred.ts";
import { Oracle } from "../../src/server/oracle.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { Gate, OracleRig } from "../_support/oracle_rig.ts";
import { recordLogs } from "../_support/logs.ts";

const FENCE_LATENCY = "tsoracle.leader_transition.fence_latency";
const FENCE_RETRIES = "tsoracle.leader_transition.fence_transient_retries.total";
const TRANSITIONS = "tsoracle.leader_transition.total";

Deno.test("fence serves from max(prior + 1, now) and persists failoverAdvanceMs above it", async () => {
  await using rig = new OracleRig({ priorMaxMs: 2_000_000, failoverAdvanceMs: 700 });
  rig.driver.announce({ kind: "leader", epoch: 4n });
  await rig.driver.untilPersists(1);
  await settle();
  assert.deepEqual(rig.driver.persists[0], { atLeastMs: 2_000_701, epoch: 4n });
  const grant = rig.grantNow();
  assert.deepEqual([grant.physicalMs, grant.logicalStart], [2_000_001, 0]);
});

Deno.test("fence starts at the clock when it is ahead of the prior high-water", async () => {
  await using rig = new OracleRig({ priorMaxMs: 5 });
  await rig.lead(1n);
  assert.deepEqual(rig.driver.persists[0], { atLeastMs: 1_001_000, epoch: 1n });
  assert.equal(rig.grantNow().physicalMs, 1_000_000);
});

Deno.test("fence after a prior leader that may have issued (M, 262143) grants (M + 1, 0) first", async () => {
  const store = 9_000_000;
  await using rig = new OracleRig({ priorMaxMs: store });
  await rig.lead(2n);
  const { physicalMs, logicalStart } = rig.grantNow();
  assert.deepEqual([physicalMs, logicalStart], [store + 1, 0]);
});

Deno.test("fence keeps a higher high-water that the store returns", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  rig.driver.beforePersist = () => {
    rig.driver.highWaterMs = 7_000_000;
    rig.driver.beforePersist = () => gate.pass();
  };
  rig.driver.announce({ kind: "leader", epoch: 1n });
  await settle();
  assert.equal(rig.oracle.snapshot().highWaterMs, 7_000_000);
  gate.open();
});

for (const refusal of [new NotLeaderError(), new FencedError(3n, 9n)]) {
  Deno.test(`fence refused with ${refusal.code} stays not serving and waits for the next event`, async () => {
    await using rig = new OracleRig();
    rig.driver.beforePersist = () => {
      throw refusal;
    };
    rig.driver.announce({ kind: "leader", epoch: 3n });
    await settle();
    assert.deepEqual(rig.oracle.state, { kind: "not-serving" });
    assert.equal(rig.clock.sleeping, 0, "nothing is retried");
    rig.driver.beforePersist = undefined;
    await rig.lead(10n);
  });
}

Deno.test("fence retries transient faults for ever, from 25 ms doubling to 250 ms", async () => {
  await using rig = new OracleRig();
  rig.driver.beforeLoad = () => {
    throw new TransientError("no answer");
  };
  rig.driver.announce({ kind: "leader", epoch: 1n });
  const pauses: number[] = [];
  for (let retry = 1; retry <= 50; retry++) {
    await rig.clock.untilSleeping();
    pauses.push((rig.clock.nextDueMs ?? NaN) - rig.clock.monotonicMs());
    await rig.clock.advance(pauses.at(-1) ?? 0);
  }
  assert.deepEqual(pauses.slice(0, 6), [25, 50, 100, 200, 250, 250]);
  assert(pauses.slice(4).every((ms) => ms === 250));
  assert.equal(rig.metrics.total(FENCE_RETRIES), 51);
  rig.driver.beforeLoad = undefined;
  await rig.clock.advance(250);
  assert.equal(rig.oracle.state.kind, "serving");
});

Deno.test("fence warns at the 8th retry and then every 20", async () => {
  await using logs = await recordLogs();
  await using rig = new OracleRig();
  rig.driver.beforeLoad = () => {
    throw new TransientError("no answer");
  };
  rig.driver.announce({ kind: "leader", epoch: 1n });
  for (let retry = 1; retry < 50; retry++) {
    await rig.clock.untilSleeping();
    await rig.clock.advance(250);
  }
  const warned = logs.records.filter((record) => record.level === "warning");
  assert.deepEqual(warned.map((record) => record.properties.failures), [8, 28, 48]);
});

Deno.test("fence retries a transient fault injected after the load, by failpoint", async () => {
  const hits: string[] = [];
  await using rig = new OracleRig({
    failpoint: (name) => {
      hits.push(name);
      if (hits.length === 1) throw new TransientError("injected");
    },
  });
  rig.driver.announce({ kind: "leader", epoch: 1n });
  await rig.clock.untilSleeping();
  await rig.clock.advance(25);
  assert.equal(rig.oracle.state.kind, "serving");
  assert.deepEqual(hits, [
    "server::fence::after_load_before_persist",
    "server::fence::after_load_before_persist",
    "server::fence::after_persist_before_publish",
    "server::fence::after_serving_published",
  ]);
});

Deno.test("fence held at a failpoint has published nothing; let go it serves", async () => {
  const gate = new Gate();
  await using rig = new OracleRig({
    failpoint: (name) => name.endsWith("after_persist_before_publish") ? gate.pass() : undefined,
  });
  rig.driver.announce({ kind: "leader", epoch: 1n });
  await settle();
  assert.deepEqual(rig.oracle.state, { kind: "not-serving" });
  gate.open();
  await settle();
  assert.equal(rig.oracle.state.kind, "serving");
});

const FATAL: readonly (readonly [string, unknown])[] = [
  ["a permanent fault", new PermanentError("disk is gone")],
  ["an exception that is no consensus error", new TypeError("a driver's bug")],
  ["a thrown value that is no error", "boom"],
];
for (const [what, error] of FATAL) {
  Deno.test(`fence that meets ${what} stops the oracle and reports it`, async () => {
    await using rig = new OracleRig();
    rig.driver.beforeLoad = () => {
      throw error;
    };
    rig.driver.announce({ kind: "leader", epoch: 1n });
    assert.deepEqual(await rig.oracle.finished, { kind: "failed", error });
    assert.deepEqual(rig.oracle.state, { kind: "not-serving" });
    assert.throws(() => rig.oracle.getTs(1), { code: "not-leader" });
  });
}

Deno.test("fence over prior_max = 2^46 - 1 stops the oracle with advance-out-of-range", async () => {
  await using rig = new OracleRig({ priorMaxMs: PHYSICAL_MS_MAX });
  rig.driver.announce({ kind: "leader", epoch: 1n });
  const end = await rig.oracle.finished;
  assert(end.kind === "failed");
  assert.equal((end.error as { code?: string }).code, "advance-out-of-range");
  assert.equal(rig.driver.highWaterMs, PHYSICAL_MS_MAX, "nothing was written");
});

Deno.test("fence rejects a driver that persists less than it was asked for", async () => {
  await using rig = new OracleRig();
  rig.driver.persistHighWater = () => Promise.resolve(5);
  rig.driver.announce({ kind: "leader", epoch: 1n });
  const end = await rig.oracle.finished;
  assert(end.kind === "failed" && end.error instanceof RangeError);
  assert.match(end.error.message, /broke its contract/);
});

Deno.test("fence retry gives way to an event, which is handled next", async () => {
  await using rig = new OracleRig();
  rig.driver.beforeLoad = () => {
    throw new TransientError("no answer");
  };
  rig.driver.announce({ kind: "leader", epoch: 1n });
  await rig.clock.untilSleeping();
  rig.driver.announce({ kind: "follower", leaderEpoch: 2n });
  await settle();
  assert.deepEqual(rig.oracle.state, {
    kind: "not-serving",
    leaderEndpoint: undefined,
    leaderEpoch: 2n,
  });
  assert.equal(rig.clock.sleeping, 0, "the backoff timer is gone");
  assert.equal(rig.driver.loads, 1);
  assert.equal(rig.driver.maxPendingNexts, 1);
});

Deno.test("fence retry lets an event in the same turn as the backoff timer go first", async () => {
  await using rig = new OracleRig();
  rig.driver.beforeLoad = () => {
    throw new TransientError("no answer");
  };
  rig.driver.announce({ kind: "leader", epoch: 1n });
  await rig.clock.untilSleeping();
  rig.driver.announce({ kind: "unknown" });
  await rig.clock.advance(25);
  assert.equal(rig.driver.loads, 1, "the attempt was not repeated for the old event");
  assert.equal(rig.metrics.total(TRANSITIONS), 2);
});

Deno.test("fence retry ends at once on close", async () => {
  await using rig = new OracleRig();
  rig.driver.beforeLoad = () => {
    throw new TransientError("no answer");
  };
  rig.driver.announce({ kind: "leader", epoch: 1n });
  await rig.clock.untilSleeping();
  assert.deepEqual(await rig.oracle.close(), { kind: "stopped" });
  assert.equal(rig.clock.sleeping, 0);
});

Deno.test("invariant 7: a fence attempt is not torn by close, and publishes nothing after it", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  rig.driver.beforePersist = () => gate.pass();
  rig.driver.announce({ kind: "leader", epoch: 1n });
  await rig.driver.untilPersists(1);
  const closed = rig.oracle.close();
  gate.open();
  assert.deepEqual(await closed, { kind: "stopped" });
  assert.equal(rig.driver.highWaterMs, 1_001_000, "the attempt ran to its end");
  assert.deepEqual(rig.oracle.state, { kind: "not-serving" });
});

Deno.test("invariant 3: serving is never published at an epoch that a ready event has made stale", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  rig.driver.afterPersist = () => gate.pass();
  const seen: string[] = [];
  const stop = new AbortController();
  const watching = (async () => {
    for await (const state of rig.oracle.watchState({ signal: stop.signal })) seen.push(state.kind);
  })().catch(() => {});
  rig.driver.announce({ kind: "leader", epoch: 1n });
  await rig.driver.untilPersists(1);
  rig.driver.announce({ kind: "follower", leaderEpoch: 2n });
  await settle();
  gate.open();
  await settle();
  stop.abort();
  await watching;
  assert(!seen.includes("serving"));
});

Deno.test("fence that ends after close() publishes nothing, even if the stream ignores its signal", async () => {
  const gate = new Gate();
  await using rig = new OracleRig({ shutdownGraceMs: 0 });
  rig.driver.leadershipEvents = stubbornStream;
  await using oracle = new Oracle({
    driver: rig.driver,
    clock: rig.clock,
    heartbeatIntervalMs: 0,
    shutdownGraceMs: 1_000,
  });
  const published: string[] = [];
  const stop = new AbortController();
  const watching = (async () => {
    for await (const state of oracle.watchState({ signal: stop.signal })) {
      published.push(state.kind);
    }
  })().catch(() => {});
  rig.driver.beforePersist = () => gate.pass();
  await rig.driver.untilPersists(1);
  const closed = oracle.close();
  gate.open();
  assert.deepEqual(await closed, { kind: "stopped" });
  stop.abort();
  await watching;
  assert(!published.includes("serving"));
});

Deno.test("fence abandoned by the shutdown tells the driver by its signal", async () => {
  await using rig = new OracleRig({ shutdownGraceMs: 50 });
  let told = false;
  rig.driver.loadHighWater = (options?: DriverCallOptions) => {
    const hung = deferred<number>();
    options?.signal?.addEventListener("abort", () => {
      told = true;
      hung.reject(options.signal?.reason);
    }, { once: true });
    return hung.promise;
  };
  rig.driver.announce({ kind: "leader", epoch: 1n });
  await settle();
  const closed = rig.oracle.close();
  await rig.clock.untilSleeping();
  assert.equal(told, false, "not within the grace");
  await rig.clock.advance(50);
  assert.deepEqual(await closed, { kind: "abandoned" });
  assert.equal(told, true);
});

Deno.test("fence that cannot drain fails; it never loads beside an extension", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const gate = new Gate();
  const fault = new Error("no timers left");
  rig.driver.beforePersist = () => gate.pass();
  rig.outrunWindow();
  const waiting = assert.rejects(async () => await rig.oracle.getTs(1), { code: "not-leader" });
  const add = AbortSignal.prototype.addEventListener;
  AbortSignal.prototype.addEventListener = () => {
    throw fault;
  };
  rig.driver.announce({ kind: "leader", epoch: 2n });
  await settle();
  AbortSignal.prototype.addEventListener = add;
  await waiting;
  assert.deepEqual(await rig.oracle.finished, { kind: "failed", error: fault });
  assert.equal(rig.driver.loads, 1);
  gate.open();
});

Deno.test("fence confirmed again and again still backs off and still warns", async () => {
  await using logs = await recordLogs();
  await using rig = new OracleRig();
  rig.driver.beforeLoad = () => {
    throw new TransientError("no answer");
  };
  for (let beat = 0; beat < 100; beat++) {
    rig.driver.announce({ kind: "leader", epoch: 1n });
    await rig.clock.advance(100);
  }
  assert(rig.driver.loads <= 110, `${rig.driver.loads} loads in 10 s`);
  assert(logs.records.some((record) => record.level === "warning"));
});

Deno.test("fence goes on when the same epoch is confirmed meanwhile, without a second fence", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  rig.driver.afterPersist = () => gate.pass();
  rig.driver.announce({ kind: "leader", epoch: 1n });
  await rig.driver.untilPersists(1);
  rig.driver.announce({ kind: "leader", epoch: 1n });
  await settle();
  gate.open();
  await settle();
  assert.equal(rig.oracle.state.kind, "serving");
  assert.equal(rig.driver.loads, 1);
  assert.equal(rig.metrics.total(TRANSITIONS), 2);
});

Deno.test("invariant 4: the fence waits for the extension of the prior epoch to settle before it loads", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.beforePersist = () => gate.pass();
  rig.outrunWindow();
  const waiting = assert.rejects(async () => await rig.oracle.getTs(1), { code: "not-leader" });
  rig.driver.announce({ kind: "follower" });
  await waiting;
  rig.driver.announce({ kind: "leader", epoch: 2n });
  await settle();
  assert.equal(rig.driver.loads, 1, "only the first fence has loaded");
  rig.driver.beforePersist = undefined;
  gate.open();
  await settle();
  assert.equal(rig.driver.loads, 2);
  assert.deepEqual(rig.oracle.state, { kind: "serving", epoch: 2n });
});

Deno.test("fence that waits for a stuck extension gives way to the next event", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  rig.driver.beforePersist = () => gate.pass();
  rig.outrunWindow();
  const waiting = assert.rejects(async () => await rig.oracle.getTs(1), { code: "not-leader" });
  rig.driver.announce({ kind: "leader", epoch: 2n });
  await waiting;
  rig.driver.announce({ kind: "follower", leaderEpoch: 3n });
  await settle();
  assert.deepEqual(rig.oracle.state, {
    kind: "not-serving",
    leaderEndpoint: undefined,
    leaderEpoch: 3n,
  });
  gate.open();
});

Deno.test("fence latency is recorded on success only and includes the drain", async () => {
  const gate = new Gate();
  await using rig = new OracleRig();
  await rig.lead(1n);
  assert.deepEqual(rig.metrics.observed(FENCE_LATENCY), [0]);
  rig.driver.beforePersist = () => gate.pass();
  rig.outrunWindow();
  const waiting = assert.rejects(async () => await rig.oracle.getTs(1), { code: "not-leader" });
  rig.driver.announce({ kind: "leader", epoch: 2n });
  await waiting;
  await rig.clock.advance(400);
  rig.driver.beforePersist = undefined;
  gate.open();
  await settle();
  assert.deepEqual(rig.metrics.observed(FENCE_LATENCY), [0, 0.4]);
  rig.driver.beforePersist = () => {
    throw new NotLeaderError();
  };
  rig.driver.announce({ kind: "leader", epoch: 3n });
  await settle();
  assert.equal(rig.metrics.observed(FENCE_LATENCY).length, 2);
});

/** One leader event, then nothing for ever: not even an end when its signal fires. */
function stubbornStream(): AsyncIterable<LeadershipEvent> {
  const items: LeadershipEvent[] = [{ kind: "leader", epoch: 1n }];
  const next = (): Promise<IteratorResult<LeadershipEvent>> => {
    const value = items.shift();
    return value === undefined ? new Promise(() => {}) : Promise.resolve({ done: false, value });
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
}
