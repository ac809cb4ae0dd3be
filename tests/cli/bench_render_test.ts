// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { LoadPlan } from "../../src/cli/bench/render.ts";
import {
  describeViolation,
  progressLine,
  reportJson,
  reportTable,
} from "../../src/cli/bench/render.ts";
import type { LoadReport } from "../../src/cli/bench/run_load.ts";

const LATENCY = { p50Ms: 0.5, p90Ms: 1, p99Ms: 2.345, p999Ms: 30, maxMs: 1_234.5 } as const;
const NO_LATENCY = { p50Ms: 0, p90Ms: 0, p99Ms: 0, p999Ms: 0, maxMs: 0 } as const;

const CLOSED: LoadPlan = { loop: { kind: "closed", callers: 1_024 }, batch: 64, warmUpMs: 2_000 };
const OPEN: LoadPlan = {
  loop: { kind: "open", perSecond: 5_000, maxOutstanding: 100 },
  batch: 1,
  warmUpMs: 0,
};

const REPORT: LoadReport = {
  measuredMs: 10_000,
  calls: 123_456,
  due: 0,
  latency: LATENCY,
  lateness: { ...NO_LATENCY, p50Ms: 0.25, maxMs: 7 },
  notStarted: 0,
  unfinished: 0,
  failed: 0,
  warmUpFailed: 0,
  failedLatency: NO_LATENCY,
  errorRate: 0,
  errors: [],
  checked: 150_000,
  unchecked: 0,
  violations: 0,
  firstViolations: [],
  endedEarly: false,
  callsPerSecond: 12_345.6,
  timestampsPerSecond: 790_118.4,
  wentBack: 0,
};

const AT = { physicalMs: 1_000, logical: 5 } as const;
const RANGE = { first: AT, last: { physicalMs: 1_000, logical: 7 }, length: 3 } as const;

Deno.test("reportTable() says what was measured, one fact in a line", () => {
  assert.deepEqual(reportTable(REPORT, CLOSED).split("\n"), [
    "load            closed loop, 1,024 callers, 64 timestamps a call",
    "measured        10.0 s after 2.0 s of warm-up",
    "calls           123,456, 12,346 per second",
    "timestamps      790,118 per second",
    "latency p50     0.500 ms",
    "latency p90     1.00 ms",
    "latency p99     2.35 ms",
    "latency p99.9   30.00 ms",
    "latency max     1234.50 ms",
    "error rate      0 %",
    "unfinished      0",
    "failed          0",
    "checked         150,000 answers: no value twice, none out of order",
    "",
  ]);
});

Deno.test("reportTable() of an open loop says what the load generator added and left out", () => {
  const counts = { calls: 49_950, due: 50_000, notStarted: 40 };
  const table = reportTable({ ...REPORT, ...counts, endedEarly: true }, OPEN);
  assert.match(table, /^calls +49,950 of 50,000 due, 12,346 per second$/m);
  assert.match(table, /^load +open loop, 5,000 calls due per second, 1 timestamp a call$/m);
  assert.match(table, /^measured .*, ended early$/m);
  assert.match(table, /^started late by p50 0\.250 ms, max 7\.00 ms; the latencies include it$/m);
  assert.match(table, /^not started +40; the latencies lack them$/m);
  assert.match(reportTable(REPORT, OPEN), /^not started +0$/m);
});

Deno.test("reportTable() names every kind of failure and the first violations", () => {
  const table = reportTable({
    ...REPORT,
    failed: 1_201,
    warmUpFailed: 7,
    failedLatency: { ...NO_LATENCY, p50Ms: 2_000, maxMs: 2_003 },
    errorRate: 0.009_634,
    errors: [{ code: "no-leader", count: 1_200, message: "nobody leads" }, {
      code: "unreachable",
      count: 1,
      message: "gone",
    }],
    violations: 2,
    wentBack: 3,
    unchecked: 4,
    firstViolations: [{ kind: "inversion", range: RANGE, floor: RANGE.last }],
  }, CLOSED);
  assert.match(table, /^error rate +0\.96 %; the latencies lack the calls that failed$/m);
  assert.match(
    table,
    /^failed +1,201 after p50 2000\.00 ms, max 2003\.00 ms, and 7 in the warm-up\n +1,200 x no-leader: nobody leads\n +1 x unreachable: gone$/m,
  );
  assert.match(table, /^checked .* 2 VIOLATIONS; 4 came too late to be compared with all others$/m);
  assert.match(table, /^ +3 more WENT BACK/m);
  assert.match(table, /^ +262144005 to 262144007 was given to a call that began after 262144007/m);
});

Deno.test("reportJson() has the figures of an open loop only for an open loop", () => {
  const closed = JSON.parse(reportJson(REPORT, CLOSED));
  const open = JSON.parse(reportJson(REPORT, OPEN));
  assert.equal(["due", "lateness", "notStarted"].some((name) => name in closed), false);
  assert.deepEqual([open.notStarted, open.lateness.maxMs], [0, 7]);
  assert.deepEqual([closed.loop, closed.calls, closed.wentBack], [CLOSED.loop, 123_456, 0]);
});

Deno.test("reportJson() writes violations as sentences", () => {
  const firstViolations = [{ kind: "overlap", range: RANGE, other: RANGE }] as const;
  const { firstViolations: written } = JSON.parse(reportJson({ ...REPORT, firstViolations }, OPEN));
  assert.deepEqual(written, [
    "262144005 to 262144007 was given although 262144005 to 262144007 had been received",
  ]);
});

Deno.test("describeViolation() also shows what is no timestamp", () => {
  const range = { first: AT, last: { physicalMs: NaN, logical: 1 }, length: 3 };
  assert.equal(
    describeViolation({ kind: "disorder", range }),
    "262144005 to (NaN, 1) is no range of 3 timestamps in a row",
  );
});

Deno.test("reportTable() rounds an error rate neither to none nor to all", () => {
  const rate = (errorRate: number) =>
    /^error rate +(\S+ %)$/m.exec(reportTable({ ...REPORT, errorRate }, CLOSED))?.[1];
  assert.deepEqual([0, 1e-9, 0.5, 1 - 1e-9, 1].map(rate), [
    "0 %",
    "0.01 %",
    "50.00 %",
    "99.99 %",
    "100 %",
  ]);
});

Deno.test("progressLine() has no percentile while nothing is measured", () => {
  const progress = { elapsedMs: 2_000, warmingUp: false, answers: 10, open: 3, errors: 0 };
  assert.equal(
    progressLine({ ...progress, latency: undefined, violations: 0 }, undefined),
    "   2 s  5 calls/s  nothing measured yet  3 under way\n",
  );
});

Deno.test("progressLine() has the rate since the line before", () => {
  const at = { warmingUp: true, open: 16, latency: NO_LATENCY, errors: 0, violations: 0 };
  const first = { ...at, elapsedMs: 1_000, answers: 5_000 };
  assert.equal(progressLine(first, undefined), "   1 s  5,000 calls/s  warming up  16 under way\n");
  const second = {
    ...first,
    elapsedMs: 2_000,
    answers: 12_000,
    warmingUp: false,
    latency: LATENCY,
    errors: 3,
    violations: 1,
  };
  assert.equal(
    progressLine(second, first),
    "   2 s  7,000 calls/s  p99 2.35 ms  16 under way  3 failed  1 OUT OF ORDER\n",
  );
});
