// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import type { LatencyFigures } from "../src/cli/bench/latencies.ts";
import { Latencies } from "../src/cli/bench/latencies.ts";
import { FileDriver } from "../src/drivers/file/mod.ts";
import type { Metrics } from "../src/server/mod.ts";
import { NO_METRICS, Oracle } from "../src/server/mod.ts";

/** A way to extend windows. */
export interface Arm {
  /** For the report. */
  readonly name: "no extension" | "refill ahead" | "on demand";
  /** Milliseconds of a window, and of the room above its cursor. */
  readonly windowAheadMs: number;
  /** The part of the window that is left when the next one is made. */
  readonly refillFraction: number;
}

const HOUR_MS = 3_600_000;

/**
 * A window that lasts for the whole run; small windows refilled as they are by default; small windows
 * refilled as good as never, so that requests have to ask for them.
 */
export function arms(windowAheadMs: number): readonly Arm[] {
  return [
    { name: "no extension", windowAheadMs: HOUR_MS, refillFraction: 1 / 3 },
    { name: "refill ahead", windowAheadMs, refillFraction: 1 / 3 },
    { name: "on demand", windowAheadMs, refillFraction: 0.5 / windowAheadMs },
  ];
}

/** What requests felt of the disk. */
export interface PauseFigures {
  /** The arm. */
  readonly name: Arm["name"];
  /** Requests in all rounds. */
  readonly requests: number;
  /** Windows made durable meanwhile. */
  readonly extensions: number;
  /** Requests that had to wait for the disk. Absent where it cannot be seen. */
  readonly waited?: number;
  /** Times of requests. */
  readonly latency: LatencyFigures;
  /** Times of the durable writes. Absent where they cannot be seen. */
  readonly writes?: LatencyFigures;
}

/** How {@linkcode measurePauses} measures. */
export interface PauseOptions {
  /** A new directory on a disk. */
  readonly directory: string;
  /** Milliseconds of a small window. */
  readonly windowAheadMs: number;
  /** How often to go through all arms. */
  readonly rounds: number;
  /** Milliseconds of one round of one arm. */
  readonly roundMs: number;
}

/** Asks an oracle on the file driver without a network, one call per turn of the event loop. */
export async function measurePauses(options: PauseOptions): Promise<readonly PauseFigures[]> {
  const { directory, windowAheadMs, rounds, roundMs } = options;
  const probes = arms(windowAheadMs).map((arm) => new Probe(arm, join(directory, arm.name)));
  for (let round = 0; round < rounds; round++) {
    for (const probe of probes) await probe.run(roundMs);
  }
  return probes.map((probe) => probe.figures());
}

class Probe {
  readonly #arm: Arm;
  readonly #directory: string;
  readonly #latencies = new Latencies();
  readonly #writes = new Latencies();
  #waited = 0;

  constructor(arm: Arm, directory: string) {
    this.#arm = arm;
    this.#directory = directory;
  }

  async run(roundMs: number): Promise<void> {
    const { windowAheadMs, refillFraction } = this.#arm;
    await using driver = await FileDriver.open({ directory: this.#directory });
    const metrics: Metrics = {
      ...NO_METRICS,
      observe: (name, seconds) => {
        if (name === "tsoracle.window.extension_latency") this.#writes.record(seconds * 1_000);
      },
    };
    await using oracle = new Oracle({
      driver,
      windowAheadMs,
      failoverAdvanceMs: windowAheadMs,
      refillFraction,
      metrics,
      heartbeatIntervalMs: 0,
    });
    await oracle.untilServing();
    const endMs = performance.now() + roundMs;
    while (performance.now() < endMs) await this.#ask(oracle);
  }

  figures(): PauseFigures {
    return {
      name: this.#arm.name,
      requests: this.#latencies.size,
      extensions: this.#writes.size,
      waited: this.#waited,
      latency: this.#latencies.figures(),
      writes: this.#writes.figures(),
    };
  }

  async #ask(oracle: Oracle): Promise<void> {
    const beganMs = performance.now();
    const grant = oracle.getTs(1);
    if (grant instanceof Promise) {
      this.#waited++;
      await grant;
    }
    this.#latencies.record(performance.now() - beganMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
