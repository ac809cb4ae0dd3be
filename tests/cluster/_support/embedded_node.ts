// SPDX-License-Identifier: Apache-2.0

// The command line has no switch for a clock that is wrong, and none for a driver that lies. This program embeds the
// oracle on etcd with both, and prints the line that `serve` prints.

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { ConsensusDriver, LeadershipEvent } from "../../../src/consensus/driver.ts";
import type { Clock } from "../../../src/core/clock.ts";
import { parseEndpoint } from "../../../src/core/endpoint.ts";
import type { ClusterDriver } from "../../../src/drivers/cluster/driver.ts";
import { EtcdDriver } from "../../../src/drivers/etcd/mod.ts";
import { serve } from "../../../src/net/mod.ts";
import { startLogging } from "../../../src/observe/mod.ts";
import { Oracle, SystemClock } from "../../../src/server/mod.ts";
import { EDGE } from "../../_support/edge.ts";
import type { Program } from "../../_support/server_process.ts";

/** The signal at which the wall clock steps forward. */
export const STEP_FORWARD = "SIGUSR2";
/** The signal at which it steps back. */
export const STEP_BACK = "SIGHUP";
/** How far it steps. */
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
      "etcd": { type: "string", default: "" },
      "listen": { type: "string", default: "" },
      "advertise": { type: "string", default: "" },
      "lease": { type: "string", default: "" },
      "window-ahead": { type: "string", default: "" },
      "no-metrics": { type: "boolean" },
    },
  });
  const clock = wrongClock(Number(values["offset-ms"]));
  const node = {
    endpoint: parseEndpoint(values.advertise),
    clock,
    leaseMs: parseInt(values.lease),
  };
  const driver = new EtcdDriver({ ...node, endpoints: values.etcd.split(",") });
  const oracle = new Oracle({
    driver: values.overconfident ? overconfident(driver) : driver,
    clock,
    windowAheadMs: parseInt(values["window-ahead"]),
  });
  const server = await serve(oracle, { port: parseEndpoint(values.listen).port, edge: EDGE });
  Deno.addSignalListener("SIGTERM", async () => {
    await server.close({ handOver: () => oracle.handOver() });
    await oracle.close();
    await driver.close();
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
