// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { DRIVER_COUNTERS, DRIVER_HISTOGRAMS } from "../../src/consensus/driver_metrics.ts";
import type { OracleSnapshot } from "../../src/server/snapshot.ts";
import { COUNTERS, GAUGES, HISTOGRAMS } from "../../src/server/metrics.ts";
import type { CounterName } from "../../src/server/metrics.ts";
import { PrometheusMetrics, prometheusName } from "../../src/observe/prometheus.ts";
import { parseExposition } from "./_support/exposition.ts";

const BUILD = { version: "1.2.3", runtime: "test 4.5" };

function snapshot(values: Partial<OracleSnapshot> = {}): OracleSnapshot {
  const nothing = { certainForMs: 0, highWaterMs: 0, remainingMs: 0, leases: 0 };
  return { serving: false, epoch: undefined, ...nothing, ...values };
}

async function scrape(metrics: PrometheusMetrics): Promise<Map<string, number>> {
  return parseExposition(await metrics.render()).samples;
}

Deno.test("prometheusName() turns dots into underscores and changes nothing else", () => {
  assert.equal(
    prometheusName("tsoracle.window.extensions.ignored.not_leader.total"),
    "tsoracle_window_extensions_ignored_not_leader_total",
  );
});

Deno.test("PrometheusMetrics shows every metric of the tables with its type before any event", async () => {
  const metrics = new PrometheusMetrics(BUILD);
  metrics.watch(() => snapshot());
  const { types } = parseExposition(await metrics.render());
  const expected = new Map([["tsoracle_build_info", "gauge"]]);
  const counters = { ...COUNTERS, ...DRIVER_COUNTERS };
  const histograms = { ...HISTOGRAMS, ...DRIVER_HISTOGRAMS };
  for (const name of Object.keys(counters)) expected.set(prometheusName(name), "counter");
  for (const name of Object.keys(histograms)) expected.set(prometheusName(name), "histogram");
  for (const name of Object.keys(GAUGES)) expected.set(prometheusName(name), "gauge");
  assert.deepEqual(new Map([...types].sort()), new Map([...expected].sort()));
});

Deno.test("PrometheusMetrics counts each counter by itself and keeps the sum over scrapes", async () => {
  const metrics = new PrometheusMetrics(BUILD);
  const names = Object.keys(COUNTERS) as CounterName[];
  names.forEach((name, index) => metrics.count(name, index));
  await scrape(metrics);
  names.forEach((name) => metrics.count(name, 100));
  const samples = await scrape(metrics);
  names.forEach((name, index) =>
    assert.equal(samples.get(prometheusName(name)), index + 100, name)
  );
});

Deno.test("PrometheusMetrics puts durations into cumulative buckets in seconds", async () => {
  const metrics = new PrometheusMetrics(BUILD);
  const name = "tsoracle_window_extension_latency";
  for (const seconds of [0.0004, 0.003, 0.003, 60]) {
    metrics.observe("tsoracle.window.extension_latency", seconds);
  }
  const samples = await scrape(metrics);
  assert.equal(samples.get(`${name}_bucket{le="0.0005"}`), 1);
  assert.equal(samples.get(`${name}_bucket{le="0.005"}`), 3);
  assert.equal(samples.get(`${name}_bucket{le="10"}`), 3);
  assert.equal(samples.get(`${name}_bucket{le="+Inf"}`), 4);
  assert.equal(samples.get(`${name}_count`), 4);
  assert.ok(Math.abs((samples.get(`${name}_sum`) ?? 0) - 60.0064) < 1e-9);
});

Deno.test("PrometheusMetrics reads the gauges at each scrape", async () => {
  const metrics = new PrometheusMetrics(BUILD);
  let current = snapshot();
  metrics.watch(() => current);
  assert.equal((await scrape(metrics)).get("tsoracle_serving"), 0);
  current = snapshot({ serving: true, highWaterMs: 70_368_744_177_663, remainingMs: 2_999 });
  const samples = await scrape(metrics);
  assert.equal(samples.get("tsoracle_serving"), 1);
  assert.equal(samples.get("tsoracle_high_water_ms"), 70_368_744_177_663);
  assert.equal(samples.get("tsoracle_window_remaining_ms"), 2_999);
});

Deno.test("PrometheusMetrics shows the leadership: epoch in two halves, and how long it is certain", async () => {
  const metrics = new PrometheusMetrics(BUILD);
  let current = snapshot();
  metrics.watch(() => current);
  const read = async () => {
    const samples = await scrape(metrics);
    return ["leader", "epoch_hi", "epoch_lo", "certainty_remaining_ms"]
      .map((name) => samples.get(`tsoracle_${name}`));
  };
  assert.deepEqual(await read(), [0, 0, 0, 0]);
  current = snapshot({ epoch: (3n << 64n) | 77n, certainForMs: 1_234.5 });
  assert.deepEqual(await read(), [1, 3, 77, 1_234.5]);
  current = snapshot({ epoch: 0n, certainForMs: Infinity });
  assert.deepEqual(await read(), [1, 0, 0, Infinity]);
});

Deno.test("PrometheusMetrics takes what a driver reports", async () => {
  const metrics = new PrometheusMetrics(BUILD);
  metrics.count("tsoracle.driver.take_overs.total", 2);
  metrics.observe("tsoracle.driver.heartbeat_latency", 0.002);
  const samples = await scrape(metrics);
  assert.equal(samples.get("tsoracle_driver_take_overs_total"), 2);
  assert.equal(samples.get("tsoracle_driver_heartbeat_latency_count"), 1);
});

Deno.test("PrometheusMetrics labels the build", async () => {
  const samples = await scrape(new PrometheusMetrics(BUILD));
  assert.equal(samples.get('tsoracle_build_info{version="1.2.3",runtime="test 4.5"}'), 1);
});

Deno.test("PrometheusMetrics keeps two oracles of one process apart", async () => {
  const [one, other] = [new PrometheusMetrics(BUILD), new PrometheusMetrics(BUILD)];
  one.count("tsoracle.not_leader.total", 7);
  assert.equal((await scrape(one)).get("tsoracle_not_leader_total"), 7);
  assert.equal((await scrape(other)).get("tsoracle_not_leader_total"), 0);
});
