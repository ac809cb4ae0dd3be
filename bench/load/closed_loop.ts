// SPDX-License-Identifier: Apache-2.0

import { describeViolation } from "../../src/cli/bench/render.ts";
import type { HistoryChecker, HistoryTicket } from "../../src/testing/mod.ts";
import type { Block } from "./block.ts";
import { connect } from "./caller.ts";
import type { Connection, Protocol } from "./connection.ts";
import { cpuTimeMs } from "./cpu_time.ts";
import type { Cell, Plan } from "./plan.ts";
import type { Tally } from "./tally.ts";

/** Streams of one HTTP/2 connection: what a gRPC channel shares, and below every server's limit. */
const STREAMS_PER_CONNECTION = 64;
/** How long after the end a call may still be under way before its connection is dropped. */
const PATIENCE_MS = 10_000;

/** How many connections a cell uses: HTTP/1.1 carries one call at a time. */
export function connectionsOf(protocol: Protocol, concurrency: number): number {
  return protocol === "grpc" ? Math.ceil(concurrency / STREAMS_PER_CONNECTION) : concurrency;
}

/** What {@linkcode runRound} works with. */
export interface RoundOptions {
  /** What to measure. */
  readonly cell: Cell;
  /** For how long, and how many timestamps a call asks for. */
  readonly plan: Pick<Plan, "warmUpMs" | "measureMs" | "count">;
  /** Where the figures go. */
  readonly tally: Tally;
  /** Proves the order over all calls to the same server. */
  readonly check: HistoryChecker;
}

/**
 * One round of a cell, on fresh connections. A request counts if its answer comes within the measurement.
 * The latency of one that comes after it counts as well, so that no long pause is cut off.
 */
export async function runRound(options: RoundOptions): Promise<void> {
  const { cell, plan, tally } = options;
  const { protocol, concurrency, port } = cell;
  const startMs = performance.now() + plan.warmUpMs;
  const period = { startMs, endMs: startMs + plan.measureMs };
  const connections = Array.from(
    { length: connectionsOf(protocol, concurrency) },
    () => connect(protocol, { port, count: plan.count }),
  );
  const drop = () => connections.forEach((connection) => connection.destroy());
  const timer = setTimeout(drop, plan.warmUpMs + plan.measureMs + PATIENCE_MS);
  const measured = measureCpu(options);
  const callers = Array.from({ length: concurrency }, (_, index) => {
    const connection = connections[index % connections.length];
    return connection === undefined ? undefined : callInTurn(connection, period, options);
  });
  await Promise.all(callers);
  clearTimeout(timer);
  drop();
  await measured;
  tally.endRound(plan.measureMs);
}

/** Adds up what the server spends on processors during the measurement, warm-up excluded. */
async function measureCpu({ cell, plan, tally }: RoundOptions): Promise<void> {
  const { pid } = cell;
  if (pid === undefined) return;
  await delay(plan.warmUpMs);
  const beforeMs = cpuTimeMs(pid);
  await delay(plan.measureMs);
  const afterMs = cpuTimeMs(pid);
  if (beforeMs !== undefined && afterMs !== undefined) tally.addCpuTime(afterMs - beforeMs);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

interface Period {
  readonly startMs: number;
  readonly endMs: number;
}

/** One caller. It stops at its first error, so that a dead server cannot make it spin. */
async function callInTurn(
  connection: Connection,
  period: Period,
  options: RoundOptions,
): Promise<void> {
  const { check, tally } = options;
  try {
    while (performance.now() < period.endMs) {
      const ticket = check.begin();
      const beganMs = performance.now();
      const block = await answerTo(connection, { check, ticket });
      const returnedMs = performance.now();
      accept(block, { ...options, ticket });
      if (returnedMs < period.startMs) continue;
      tally.recordLatency(returnedMs - beganMs);
      if (returnedMs <= period.endMs) tally.countRequest();
    }
  } catch (error) {
    tally.countError(error);
  }
}

interface Asked {
  readonly check: HistoryChecker;
  readonly ticket: HistoryTicket;
}

async function answerTo(connection: Connection, { check, ticket }: Asked): Promise<Block> {
  try {
    return await connection.call();
  } catch (error) {
    check.abandon(ticket);
    throw error;
  }
}

function accept(block: Block, { check, ticket, plan }: Asked & Pick<RoundOptions, "plan">): void {
  const { physicalMs, logicalStart, count } = block;
  const first = { physicalMs, logical: logicalStart };
  const last = { physicalMs, logical: logicalStart + count - 1 };
  const [violation] = check.end(ticket, { first, last, length: plan.count });
  if (violation !== undefined) throw new Error(describeViolation(violation));
}
