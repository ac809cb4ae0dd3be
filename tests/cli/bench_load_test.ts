// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { LoadOptions } from "../../src/cli/bench/load_options.ts";
import type { LoadProgress } from "../../src/cli/bench/measurement.ts";
import { runLoad } from "../../src/cli/bench/run_load.ts";
import { ManualClock } from "../../src/testing/mod.ts";
import { runScripted, ScriptedTarget } from "./_support/load_target.ts";

type Plan = Omit<LoadOptions, "clock">;

const CLOSED: Plan = {
  loop: { kind: "closed", callers: 4 },
  batch: 1,
  warmUpMs: 100,
  durationMs: 1_000,
};

const OPEN: Plan = {
  loop: { kind: "open", perSecond: 100, maxOutstanding: 1_000 },
  batch: 1,
  warmUpMs: 0,
  durationMs: 1_000,
};

Deno.test("runLoad() closed lets each caller ask again when it has its answer", async () => {
  const { report, target } = await runScripted(() => 10, CLOSED);
  // Answers from 100 to 1100 ms, both included, by four callers.
  assert.equal(report.calls, 4 * 101);
  assert.equal(report.callsPerSecond, 404);
  assert.equal(report.measuredMs, 1_000);
  assert.equal(target.callsAt.length, 4 * 110);
  assert.equal(report.checked, 4 * 110);
  assert.deepEqual([report.violations, report.unchecked, report.unfinished], [0, 0, 0]);
  assert.deepEqual([report.errors, report.endedEarly], [[], false]);
});

Deno.test("runLoad() closed measures each call from its start to its answer", async () => {
  const { report } = await runScripted((call) => call % 10 === 9 ? 50 : 10, CLOSED);
  const { p50Ms, maxMs } = report.latency;
  assert.ok(Math.abs(p50Ms - 10) < 0.02, `${p50Ms}`);
  assert.equal(maxMs, 50);
});

Deno.test("runLoad() leaves the warm-up out of the figures, and checks it all the same", async () => {
  const { report } = await runScripted((_, nowMs) => nowMs < 100 ? 90 : 5, CLOSED);
  assert.ok(report.latency.p90Ms < 6);
  assert.equal(report.latency.maxMs, 90); // begun in the warm-up, answered after it
  const slow = await runScripted((_, nowMs) => nowMs < 50 ? 50 : 5, CLOSED);
  assert.equal(slow.report.latency.maxMs, 5);
  assert.ok(slow.report.checked > slow.report.calls);
});

Deno.test("runLoad() counts timestamps, not only calls", async () => {
  const { report } = await runScripted(() => 10, { ...CLOSED, batch: 64 });
  assert.equal(report.timestampsPerSecond, 64 * report.callsPerSecond);
  assert.equal(report.violations, 0);
});

Deno.test("runLoad() counts a late answer in the latencies and not in the rate", async () => {
  const last = (_: number, nowMs: number) => nowMs >= 1_090 ? 400 : 10;
  const { report } = await runScripted(last, CLOSED);
  assert.equal(report.calls, 4 * 100);
  assert.equal(report.latency.maxMs, 400);
});

Deno.test("runLoad() gives up calls that never end, with the time they took until then", async () => {
  const { report } = await runScripted((call) => call === 2 ? "never" : 10, {
    ...CLOSED,
    drainMs: 700,
  });
  assert.equal(report.unfinished, 1);
  assert.equal(report.latency.maxMs, 1_800);
});

Deno.test("runLoad() open begins calls when they are due, whatever the earlier ones do", async () => {
  const { report, target } = await runScripted(() => 200, OPEN);
  assert.deepEqual(target.callsAt, Array.from({ length: 100 }, (_, call) => 10 * call));
  assert.equal(report.latency.maxMs, 200);
  assert.deepEqual([report.calls, report.due], [100, 100]);
  assert.deepEqual([report.notStarted, report.unfinished, report.lateness.maxMs], [0, 0, 0]);
});

Deno.test("runLoad() open counts calls that were due in the measured time, and no others", async () => {
  // Those due in the last 150 ms of the warm-up are answered after it, the last 20 after the end.
  const { report } = await runScripted((call) => call < 50 ? 150 : 200, { ...OPEN, warmUpMs: 500 });
  assert.deepEqual([report.calls, report.due, report.callsPerSecond], [100, 100, 100]);
  assert.ok(report.latency.p50Ms > 199);
  assert.equal(report.checked, 150);
});

Deno.test("runLoad() open counts failed calls by when they were due, too", async () => {
  const fail = (call: number) => call === 49 || call === 50 ? new CodedError("nobody leads") : 1;
  const { report } = await runScripted(fail, { ...OPEN, warmUpMs: 500 });
  assert.deepEqual([report.failed, report.warmUpFailed, report.calls], [1, 1, 99]);
  assert.equal(report.errorRate, 0.01);
});

Deno.test("runLoad() open lets a pause be felt by every call that was due in it", async () => {
  const pause = (nowMs: number) => nowMs >= 300 && nowMs < 500 ? 500 - nowMs + 1 : 1;
  const { report } = await runScripted((_, nowMs) => pause(nowMs), OPEN);
  const { p50Ms, p90Ms, maxMs } = report.latency;
  assert.equal(maxMs, 201);
  assert.ok(Math.abs(p50Ms - 1) < 0.01, `${p50Ms}`);
  // 20 of 100 calls waited, ten of them for more than 100 ms.
  assert.ok(p90Ms > 90 && p90Ms < 115, `${p90Ms}`);
});

Deno.test("runLoad() open measures from when a call was due, not from when it was sent", async () => {
  const clock = new ManualClock();
  let paused = false;
  const answer = (_: number, nowMs: number) => {
    // The whole process stands still for 250 ms: nothing can be sent meanwhile.
    if (nowMs === 200 && !paused) {
      paused = true;
      clock.pause(250);
    }
    return 1;
  };
  const { report, target } = await runScripted(answer, { ...OPEN, clock });
  assert.equal(target.callsAt.length, 100);
  assert.equal(report.latency.maxMs, 251);
  assert.equal(report.lateness.maxMs, 240); // the one due at 210 was begun at 450
});

Deno.test("runLoad() open counts the calls that it cannot start", async () => {
  const { report } = await runScripted(() => "never", {
    ...OPEN,
    warmUpMs: 500,
    loop: { kind: "open", perSecond: 100, maxOutstanding: 5 },
  });
  assert.equal(report.unfinished, 5);
  assert.deepEqual([report.notStarted, report.due], [100, 100]); // those of the warm-up do not count
  assert.equal(report.calls, 0);
  assert.equal(report.callsPerSecond, 0);
});

Deno.test("runLoad() open keeps a rate that no millisecond divides", async () => {
  const { target } = await runScripted(() => 1, {
    ...OPEN,
    loop: { kind: "open", perSecond: 3_333, maxOutstanding: 1_000 },
  });
  assert.equal(target.callsAt.length, 3_333);
});

class CodedError extends Error {
  readonly code = "no-leader";
}

Deno.test("runLoad() counts failed calls by their code, and goes on", async () => {
  const fail = (call: number) => {
    if (call < 4) return new CodedError("nobody leads");
    return call === 4 ? new TypeError("a bug") : 10;
  };
  const { report } = await runScripted(fail, { ...CLOSED, warmUpMs: 0 });
  assert.deepEqual([report.failed, report.warmUpFailed], [5, 0]);
  assert.deepEqual(report.errors, [
    { code: "no-leader", count: 4, message: "nobody leads" },
    { code: "TypeError", count: 1, message: "a bug" },
  ]);
  assert.ok(report.calls > 340, `${report.calls}`);
  assert.equal(report.violations, 0);
});

Deno.test("runLoad() keeps the failed calls of the warm-up out of the figures", async () => {
  const fail = (_: number, nowMs: number) => nowMs < 50 ? new CodedError("nobody leads") : 10;
  const { report } = await runScripted(fail, CLOSED);
  assert.deepEqual([report.failed, report.warmUpFailed, report.errorRate], [0, 4, 0]);
  assert.deepEqual(report.errors, []);
});

Deno.test("runLoad() measures how long calls took that failed, apart from the answers", async () => {
  const clock = new ManualClock();
  const stalls = (nowMs: number) => nowMs >= 300 && nowMs < 400;
  const target = new ScriptedTarget(clock, () => 10);
  const answer = target.getTs.bind(target);
  target.getTs = async (count) => {
    if (!stalls(clock.monotonicMs())) return await answer(count);
    await clock.delay(250);
    throw new CodedError("nobody leads");
  };
  const { report } = await runScripted(() => 10, { ...CLOSED, clock, target });
  assert.equal(report.latency.maxMs, 10);
  assert.equal(report.failed, 4);
  assert.deepEqual([report.failedLatency.maxMs, report.failedLatency.p50Ms], [250, 250]);
  assert.equal(report.errorRate, 4 / (4 + report.calls));
});

Deno.test("runLoad() counts calls without an answer in the error rate", async () => {
  const { report } = await runScripted((call) => call === 2 ? "never" : 10, {
    ...CLOSED,
    drainMs: 700,
  });
  assert.equal(report.errorRate, 1 / (1 + report.calls));
});

Deno.test("runLoad() closed does not spin on a dead server", async () => {
  const { target } = await runScripted(() => new CodedError("nobody leads"), CLOSED);
  assert.equal(target.callsAt.length, 4 * 11);
});

Deno.test("runLoad() sees a value that comes twice, one after the other", async () => {
  const { report } = await runScripted(() => 10, {
    ...CLOSED,
    loop: { kind: "closed", callers: 1 },
    tamper: repeatAt(20),
  });
  assert.equal(report.violations, 1);
  assert.equal(report.firstViolations[0]?.kind, "inversion");
});

Deno.test("runLoad() sees a value that comes twice to callers at the same time", async () => {
  const { report } = await runScripted(() => 10, { ...CLOSED, batch: 16, tamper: repeatAt(21) });
  assert.equal(report.violations, 1);
  assert.equal(report.firstViolations[0]?.kind, "overlap");
});

Deno.test("runLoad() sees a range that is not as long as was asked for", async () => {
  const { report } = await runScripted(() => 10, {
    ...OPEN,
    tamper: (range, answer) => answer === 7 ? { ...range, length: 2 } : range,
  });
  assert.deepEqual(report.firstViolations.map(({ kind }) => kind), ["disorder"]);
});

/** Gives the answer with that number what the one before it was given. */
function repeatAt(victim: number): NonNullable<LoadOptions["tamper"]> {
  let before: Parameters<NonNullable<LoadOptions["tamper"]>>[0] | undefined;
  return (range, answer) => {
    const tampered = answer === victim && before !== undefined ? before : range;
    before = range;
    return tampered;
  };
}

Deno.test("runLoad() ends early when it is asked to, with the figures so far", async () => {
  for (const plan of [CLOSED, { ...OPEN, warmUpMs: 100 }]) {
    const stop = new AbortController();
    const { report, target } = await runScripted((_, nowMs) => {
      if (nowMs >= 600) stop.abort();
      return 10;
    }, { ...plan, signal: stop.signal });
    assert.equal(report.endedEarly, true);
    assert.equal(report.measuredMs, 500);
    assert.ok(report.calls > 40, `${report.calls}`);
    assert.ok(target.callsAt.every((atMs) => atMs <= 600));
    assert.equal(report.unfinished, 0);
  }
});

Deno.test("runLoad() gives up the calls under way when it is told to", async () => {
  const clock = new ManualClock();
  const giveUp = new AbortController();
  const { report } = await runScripted((_, nowMs) => {
    if (nowMs >= 600) giveUp.abort();
    return nowMs >= 500 ? "never" : 10;
  }, { ...OPEN, clock, abandon: giveUp.signal });
  assert.equal(clock.monotonicMs(), 600);
  assert.equal(report.unfinished, 11);
  assert.equal(report.latency.maxMs, 100);
});

Deno.test("runLoad() open measures to its end although the last call was due before", async () => {
  const loop = { kind: "open", perSecond: 0.9, maxOutstanding: 1 } as const;
  const { report } = await runScripted(() => 10, { ...OPEN, loop, durationMs: 2_000 });
  assert.deepEqual([report.measuredMs, report.callsPerSecond], [2_000, 1]);
});

Deno.test("runLoad() that is ended before it measures has figures of nothing", async () => {
  const { report } = await runScripted(() => 10, { ...CLOSED, signal: AbortSignal.abort() });
  assert.deepEqual([report.measuredMs, report.calls, report.callsPerSecond], [0, 0, 0]);
  assert.equal(report.endedEarly, true);
});

Deno.test("runLoad() tells every second how far it has come", async () => {
  const seen: LoadProgress[] = [];
  await runScripted(() => 10, {
    ...CLOSED,
    warmUpMs: 1_500,
    durationMs: 2_000,
    onProgress: (progress) => seen.push(progress),
  });
  assert.deepEqual(seen.map(({ elapsedMs, warmingUp }) => [elapsedMs, warmingUp]), [
    [1_000, true],
    [2_000, false],
    [3_000, false],
  ]);
  assert.equal(seen[0]?.latency, undefined);
  assert.equal(seen[2]?.latency?.maxMs, 10);
  assert.deepEqual(seen.map(({ errors, violations }) => errors + violations), [0, 0, 0]);
  assert.ok(seen.every(({ open, answers }) => open === 4 && answers >= 4 * 99));
});

Deno.test("runLoad() leaves no wait behind", async () => {
  const clock = new ManualClock();
  await runScripted(() => 10, { ...CLOSED, clock, onProgress: () => {} });
  assert.equal(clock.sleeping, 0);
});

Deno.test("runLoad() refuses options that make no sense", async () => {
  const clock = new ManualClock();
  const wrong: readonly (readonly [Partial<Plan>, RegExp])[] = [
    [{ batch: 0 }, /'batch'.*at least 1/],
    [{ loop: { kind: "closed", callers: 1.5 } }, /'callers'/],
    [{ loop: { kind: "open", perSecond: 0, maxOutstanding: 1 } }, /'perSecond'.*above 0/],
    [{ loop: { kind: "open", perSecond: 1, maxOutstanding: 0 } }, /'maxOutstanding'/],
    [{ warmUpMs: -1 }, /'warmUpMs'/],
    [{ durationMs: 0 }, /'durationMs'/],
  ];
  for (const [part, message] of wrong) {
    const target = new ScriptedTarget(clock, () => 1);
    await assert.rejects(runLoad(target, { ...CLOSED, ...part, clock }), message);
  }
});
