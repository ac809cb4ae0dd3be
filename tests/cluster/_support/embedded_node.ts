// SPDX-License-Identifier: Apache-2.0

// The command line has no switch for what goes wrong in a process: a clock, a driver that lies or will not stay in its
// term, answers of the engine that are lost. This program embeds the oracle with all of it, and prints the line that
// `serve` prints.

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { ConsensusDriver, LeadershipEvent } from "../../../src/consensus/driver.ts";
import type { Clock } from "../../../src/core/clock.ts";
import { parseEndpoint } from "../../../src/core/endpoint.ts";
import { ClusterDriver } from "../../../src/drivers/cluster/driver.ts";
import { serve } from "../../../src/net/mod.ts";
import { startLogging } from "../../../src/observe/mod.ts";
import { Oracle, SystemClock } from "../../../src/server/mod.ts";
import { EDGE } from "../../_support/edge.ts";
import type { Program } from "../../_support/server_process.ts";
import { engineStore } from "./engine_store.ts";
import { RestlessDriver } from "./restless_driver.ts";
import { UnansweredWrites } from "./unanswered_writes.ts";

/** The signal at which the wall clock steps forward. */
export const STEP_FORWARD = "SIGUSR2";
/** The signal at which it steps back. */
export const STEP_BACK = "SIGHUP";
/** The signal at which it leaves the election, giving up its term if it has one. */
export const LEAVE = "SIGUSR1";
/** The signal at which it takes part again. */
export const REJOIN = "SIGWINCH";
/** The signal at which the next write of each kind is made and reported as not answered. */
export const LOSE_ANSWERS = "SIGALRM";
/** How far the clock steps. */
const STEP_MS = 30_000;

/** What is wrong with an oracle; by default nothing. */
export interface Defects {
  /** How far its wall clock is ahead, in milliseconds. */
  readonly offsetMs?: number;
  /** Whether its driver, once it leads, is certain of that for good, and hears of no other leader. */
  readonly overconfident?: boolean;
}

/** The program that is run instead of the command line. */
export function embeddedNode({ offsetMs = 0, overconfident = false }: Defects): Program {
  const self = fileURLToPath(import.meta.url);
  const defects = [`--offset-ms=${offsetMs}`, ...overconfident ? ["--overconfident"] : []];
  return [Deno.execPath(), "run", "--quiet", "--no-prompt", "-A", self, ...defects];
}

async function main(): Promise<void> {
  startLogging({
    level: "info",
    format: "text",
    write: (text) => Deno.stderr.writeSync(new TextEncoder().encode(text)),
  });
  const { values } = parseArgs({
    allowPositionals: true,
    options: {
      "offset-ms": { type: "string", default: "0" },
      "overconfident": { type: "boolean", default: false },
      "etcd": { type: "string" },
      "url": { type: "string" },
      "listen": { type: "string", default: "" },
      "advertise": { type: "string", default: "" },
      "lease": { type: "string", default: "" },
      "window-ahead": { type: "string", default: "" },
      "no-metrics": { type: "boolean" },
    },
  });
  const clock = wrongClock(Number(values["offset-ms"]));
  const leaseMs = parseInt(values.lease);
  const writes = new UnansweredWrites(engineStore(values, { clock, leaseMs }), clock);
  Deno.addSignalListener(LOSE_ANSWERS, () => writes.loseAnswers());
  const endpoint = parseEndpoint(values.advertise);
  const cluster = new ClusterDriver({ store: writes.store, endpoint, clock, leaseMs });
  const restless = new RestlessDriver(cluster);
  Deno.addSignalListener(LEAVE, () => restless.leave());
  Deno.addSignalListener(REJOIN, () => restless.rejoin());
  const oracle = new Oracle({
    driver: values.overconfident ? overconfident(cluster) : restless.driver,
    clock,
    windowAheadMs: parseInt(values["window-ahead"]),
  });
  const { host: hostname, port } = parseEndpoint(values.listen);
  const server = await serve(oracle, { hostname, port, allowInsecure: true, edge: EDGE });
  Deno.addSignalListener("SIGTERM", async () => {
    await server.close({ handOver: () => oracle.handOver() });
    await oracle.close();
    await cluster.close();
    Deno.exit();
  });
  console.log(`serving on ${server.address}`);
}

function wrongClock(initialMs: number): Clock {
  const real = new SystemClock();
  let offsetMs = initialMs;
  Deno.addSignalListener(STEP_FORWARD, () => offsetMs += STEP_MS);
  Deno.addSignalListener(STEP_BACK, () => offsetMs -= STEP_MS);
  return {
    nowMs: () => real.nowMs() + offsetMs,
    monotonicMs: () => real.monotonicMs(),
    delay: (ms, options) => real.delay(ms, options),
  };
}

/**
 * The driver without what keeps a leader that was overtaken from granting. It has no sequences: a call for ordinals
 * would tell.
 */
function overconfident(driver: ClusterDriver): ConsensusDriver {
  return new Proxy(driver, {
    get(target, name) {
      if (name === "leadershipEvents") return (options: { signal: AbortSignal }) => strip(options);
      if (name === "advanceDense" || name === "advanceDenseBatch") return undefined;
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });

  async function* strip(options: { signal: AbortSignal }): AsyncGenerator<LeadershipEvent> {
    let hasLed = false;
    for await (const event of driver.leadershipEvents(options)) {
      if (!hasLed) yield event.kind === "leader" ? { ...event, certainUntil: undefined } : event;
      hasLed ||= event.kind === "leader";
    }
  }
}

if (import.meta.main) await main();
