// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { MemoryDriver } from "../src/drivers/memory/mod.ts";
import { Allocator, Oracle, PHYSICAL_MS_MAX } from "../src/server/mod.ts";
import type { Rate } from "./rate.ts";
import { summarize } from "./rate.ts";

/** How long to measure. */
export interface InProcessOptions {
  /** Number of runs, after one that does not count. */
  readonly runs: number;
  /** Milliseconds of a run. */
  readonly runMs: number;
}

/** What one process does without a network. */
export interface InProcessRates {
  /** `Allocator.tryGrant` with a clock sample that is given to it. */
  readonly allocatorGrants: Rate;
  /** `Oracle.getTs` with the system's clock, used as it is returned. */
  readonly oracleGetTs: Rate;
  /** The same, each awaited. */
  readonly oracleGetTsAwaited: Rate;
}

/** Calls between two looks at the clock and two turns of the event loop. */
const BATCH = 10_000;

/** Measures the allocator, and the oracle on the memory driver. */
export async function measureInProcess(options: InProcessOptions): Promise<InProcessRates> {
  const allocatorGrants = await measureRate(allocatorBatch(), options);
  await using oracle = new Oracle({ driver: new MemoryDriver(), heartbeatIntervalMs: 0 });
  await oracle.untilServing();
  return {
    allocatorGrants,
    oracleGetTs: await measureRate(() => getTsBatch(oracle), options),
    oracleGetTsAwaited: await measureRate(() => awaitedBatch(oracle), options),
  };
}

/** Does {@linkcode BATCH} calls. What it returns depends on all of them, so that none can be left out. */
type Batch = () => number | Promise<number>;

async function measureRate(batch: Batch, { runs, runMs }: InProcessOptions): Promise<Rate> {
  const perSecond: number[] = [];
  for (let run = 0; run <= runs; run++) {
    const beganMs = performance.now();
    let calls = 0;
    let spentMs = 0;
    for (; spentMs < runMs; calls += BATCH, spentMs = performance.now() - beganMs) {
      assert(await batch() >= 0);
      await turn();
    }
    if (run > 0) perSecond.push(calls / (spentMs / 1_000));
  }
  return summarize(perSecond);
}

function allocatorBatch(): Batch {
  const allocator = new Allocator();
  const nowMs = Date.now();
  allocator.becomeLeader(nowMs, PHYSICAL_MS_MAX, 1n);
  return () => {
    let sum = 0;
    for (let call = 0; call < BATCH; call++) {
      const outcome = allocator.tryGrant(nowMs, 1);
      sum += outcome.kind === "granted" ? outcome.logicalStart : NaN;
    }
    return sum;
  };
}

function getTsBatch(oracle: Oracle): number {
  let sum = 0;
  for (let call = 0; call < BATCH; call++) {
    const grant = oracle.getTs(1);
    sum += grant instanceof Promise ? NaN : grant.logicalStart;
  }
  return sum;
}

async function awaitedBatch(oracle: Oracle): Promise<number> {
  let sum = 0;
  for (let call = 0; call < BATCH; call++) sum += (await oracle.getTs(1)).logicalStart;
  return sum;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
