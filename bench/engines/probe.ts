// SPDX-License-Identifier: Apache-2.0

/**
 * Measures the calls of one driver, from the one process that leads. It runs on Deno and, bundled, on Node: the plan
 * is its only argument, as JSON, and the figures are all that it prints.
 *
 * @module
 */

import process from "node:process";
import { Latencies } from "../../src/cli/bench/latencies.ts";
import type { ConsensusDriver } from "../../src/consensus/driver.ts";
import type { Epoch } from "../../src/core/epoch.ts";
import { EtcdDriver } from "../../src/drivers/etcd/mod.ts";
import { FileDriver } from "../../src/drivers/file/mod.ts";
import { PostgresDriver } from "../../src/drivers/postgres/mod.ts";
import type { ProbeFigures, ProbePlan, ProbeTarget } from "./probe_plan.ts";

type ProbedDriver =
  & ConsensusDriver
  & Required<Pick<ConsensusDriver, "advanceDense">>
  & { close(): Promise<void> };

const ENDPOINT = { host: "probe", port: 1 };
const CALLERS = [1, 32] as const;

/** Measures everything on one driver. */
async function runProbe(plan: ProbePlan): Promise<readonly ProbeFigures[]> {
  const driver = await openDriver(plan.target);
  const stop = new AbortController();
  const events = driver.leadershipEvents(stop);
  try {
    const epoch = await leadWith(events);
    let highWaterMs = await driver.loadHighWater();
    return [
      await measure("persist", 1, plan, () => driver.persistHighWater(++highWaterMs, epoch)),
      await measure("load", 1, plan, () => driver.loadHighWater()),
      ...await measureOrdinals(driver, epoch, plan),
    ];
  } finally {
    stop.abort();
    await events[Symbol.asyncIterator]().next().catch(() => {});
    await driver.close();
  }
}

async function openDriver(target: ProbeTarget): Promise<ProbedDriver> {
  switch (target.engine) {
    case "etcd":
      return new EtcdDriver({ endpoints: target.endpoints, endpoint: ENDPOINT });
    case "file":
      return await FileDriver.open({ directory: target.directory });
    case "postgres":
      return new PostgresDriver({ urls: target.urls, prefix: target.prefix, endpoint: ENDPOINT });
  }
}

async function leadWith(events: ReturnType<ConsensusDriver["leadershipEvents"]>): Promise<Epoch> {
  const iterator = events[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await iterator.next();
    if (done) throw new Error("the stream of events has ended");
    if (value.kind === "leader") return value.epoch;
  }
}

async function measureOrdinals(
  driver: ProbedDriver,
  epoch: Epoch,
  plan: ProbePlan,
): Promise<readonly ProbeFigures[]> {
  const figures: ProbeFigures[] = [];
  for (const callers of CALLERS) {
    const take = () => driver.advanceDense({ key: "orders", count: 1 }, epoch);
    figures.push(await measure("ordinals", callers, plan, take));
  }
  return figures;
}

async function measure(
  call: ProbeFigures["call"],
  callers: number,
  plan: ProbePlan,
  ask: () => Promise<unknown>,
): Promise<ProbeFigures> {
  const latencies = new Latencies();
  const startMs = performance.now() + plan.warmUpMs;
  const endMs = startMs + plan.measureMs;
  const callInTurn = async () => {
    // However slow the machine is, one call is measured.
    for (let beganMs = 0; (beganMs = performance.now()) < endMs || latencies.size === 0;) {
      await ask();
      if (beganMs >= startMs) latencies.record(performance.now() - beganMs);
    }
  };
  await Promise.all(Array.from({ length: callers }, callInTurn));
  const perSecond = latencies.size / ((performance.now() - startMs) / 1_000);
  return { call, callers, perSecond, latency: latencies.figures() };
}

const [plan = ""] = process.argv.slice(2);
console.log(JSON.stringify(await runProbe(JSON.parse(plan))));
