// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { Findings } from "../../bench/edge/findings.ts";
import { faultsOf } from "../../bench/edge/findings.ts";
import { judge } from "../../bench/edge/goals.ts";
import { readH2load } from "../../bench/edge/load/h2load.ts";
import { runEdgeBench } from "../../bench/edge/main.ts";
import { readEdgeOptions } from "../../bench/edge/options.ts";
import { selfTimes } from "../../bench/edge/profile/self_times.ts";
import type { RateCell } from "../../bench/edge/rates.ts";
import { formatFindings } from "../../bench/edge/report.ts";
import { SMOKE } from "../../bench/edge/schedule.ts";
import { canRun, ioTestNeeding } from "../_support/levels.ts";

const noH2load = await canRun("h2load") ? undefined : "needs h2load (nghttp2-client)";

ioTestNeeding(noH2load, "runEdgeBench() has every server asked in every way", async () => {
  const findings = await runEdgeBench({ schedule: SMOKE, edge: "http2" });
  assert.deepEqual(faultsOf(findings), []);
  const asked = findings.rates.map(({ load, shape, server }) => `${load}, ${shape}: ${server}`);
  const real = ["adapter", "by hand", "edge"];
  assert.deepEqual(asked, [
    ...[...real, "ceiling"].map((server) => `h2load, 4 x 16: ${server}`),
    ...real.map((server) => `h2load, grpc-timeout, 4 x 16: ${server}`),
    ...[...real, "ceiling"].map((server) => `h2load, connections, 2 x 1: ${server}`),
    ...[...real, "ceiling"].map((server) => `h2load, connections, 20 x 1: ${server}`),
    ...real.map((server) => `grpc-js, 1 x 2: ${server}`),
    ...real.map((server) => `grpc-js, deadlines, 1 x 2: ${server}`),
    ...real.map((server) => `client, 2 callers: ${server}`),
  ]);
  for (const { bytes } of findings.loneCallers) assert.ok(bytes.request > 7 && bytes.answer > 7);
  for (const { requests } of findings.latencies.cells) assert.ok(requests > 0);
  assert.deepEqual(findings.memory.map(({ calls, failures }) => [calls, failures]), [[400, 0]]);
  assert.match(formatFindings(findings), /edge \/ by hand, 4 x 16/);
});

const PRINTED = `
finished in 510.01ms, 992.00 req/s, 48.14KB/s
requests: 496 total, 560 started, 496 done, 496 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 496 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 24.07KB (24646) total, 1.70KB (1740) headers (space savings 95.44%), 8.69KB (8902) data
`;

Deno.test("readH2load() counts answers that have a message", () => {
  const counts = { successes: 496, failures: 0, requests: 496, perSecond: 992 };
  assert.deepEqual(readH2load(PRINTED), counts);
});

Deno.test("readH2load() counts no success of answers without a message", () => {
  const { successes, failures } = readH2load(PRINTED.replace("(8902) data", "(0) data"));
  assert.deepEqual([successes, failures], [0, 496]);
});

Deno.test("readH2load() tells failures, and refuses what it cannot read", () => {
  const failing = PRINTED.replace(
    "496 succeeded, 0 failed, 0 errored",
    "490 succeeded, 4 failed, 2 errored",
  );
  assert.equal(readH2load(failing).failures, 6);
  assert.throws(() => readH2load("h2load: unrecognized option"), /printed something else/);
});

function cell(server: RateCell["server"], ...perSecond: readonly number[]): RateCell {
  const key = { load: "h2load", shape: "4 x 16", runtime: "deno" } as const;
  return { ...key, server, perSecond, cpuUs: [], faults: [] };
}

function findingsOf(found: Partial<Findings>): Findings {
  const latencies = { cells: [], checkedAnswers: 0, violations: 0 };
  const rest = { rates: [], latencies, loneCallers: [], published: [], memory: [] };
  return { machine: {}, otherLoad: {}, edge: "http2", ...rest, ...found } as unknown as Findings;
}

Deno.test("judge() takes the median of the ratios of the rounds", () => {
  // The second round was disturbed, and with it both servers.
  const rates = [
    cell("by hand", 100, 10, 100),
    cell("edge", 900, 90, 700),
    cell("ceiling", 1_000, 200, 2_000),
  ];
  const verdicts = judge(findingsOf({ rates }));
  assert.deepEqual(
    verdicts.map(({ goal, value, isMet }) => [goal, value, isMet]),
    [
      ["requests/s, edge / by hand, 4 x 16", 9, true],
      ["requests/s, edge / ceiling, 4 x 16", 0.45, false],
    ],
  );
});

Deno.test("judge() wants a lone caller to wait no more than half as long again as an echo", () => {
  const bytes = { request: 100, answer: 100 };
  const lone = { runtime: "deno", bytes, echoP50Ms: 0.1 } as const;
  const verdictOf = (clientP50Ms: number) =>
    judge(findingsOf({ rates: [cell("edge", 1)], loneCallers: [{ ...lone, clientP50Ms }] }))
      .map(({ isMet }) => isMet);
  assert.deepEqual(verdictOf(0.15), [true]);
  assert.deepEqual(verdictOf(0.2), [false]);
});

Deno.test("judge() wants memory not to grow with the calls", () => {
  const verdictOf = (...rssMiB: readonly number[]) =>
    judge(findingsOf({
      rates: [cell("edge", 1)],
      memory: [{ runtime: "deno", calls: 1, failures: 0, rssMiB }],
    })).map(({ isMet }) => isMet);
  // The first figure is that of a server which nobody has asked yet.
  assert.deepEqual(verdictOf(50, 90, 100, 99, 105), [true]);
  assert.deepEqual(verdictOf(50, 90, 100, 110, 120), [false]);
});

Deno.test("readEdgeOptions() has defaults and refuses what it does not know", () => {
  assert.deepEqual(readEdgeOptions([]), { length: "full", edge: "http2" });
  assert.deepEqual(readEdgeOptions(["--long", "--edge=connect", "--json", "x.json"]), {
    length: "long",
    edge: "connect",
    json: "x.json",
  });
  assert.throws(() => readEdgeOptions(["--quick", "--long"]), TypeError);
  assert.throws(() => readEdgeOptions(["--fast"]), TypeError);
  assert.throws(() => readEdgeOptions(["--edge=http3"]), /'edge' must be http2 or connect/);
});

Deno.test("selfTimes() sums up what a function took wherever it was called, without idle time", () => {
  const node = (id: number, functionName: string, url = "") => {
    return { id, callFrame: { functionName, url, lineNumber: 6 } };
  };
  const nodes = [node(1, "(idle)"), node(2, "take", "file:///a/b.ts"), node(3, "(program)")];
  const samples = [1, 2, 3, 4];
  const timeDeltas = [900, 20, 25, 55];
  const found = selfTimes({
    nodes: [...nodes, node(4, "take", "file:///a/b.ts")],
    samples,
    timeDeltas,
  });
  assert.deepEqual(found, [
    { place: "take b.ts:7", share: 0.75 },
    { place: "(program)", share: 0.25 },
  ]);
});
