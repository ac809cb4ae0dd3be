// SPDX-License-Identifier: Apache-2.0

/**
 * Asks for timestamps with @grpc/grpc-js, as a user of it would, but without a schema: the bytes of the message go
 * through unread. It runs on Deno and, bundled, on Node: the plan is its only argument, as JSON, and what it found is
 * all that it prints.
 *
 * @module
 */

import type { CallOptions, ServiceError } from "@grpc/grpc-js";
import { Client, credentials } from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import process from "node:process";
import { blockFromBinary, GET_TS_PATH, requestFrame } from "../../load/block.ts";
import type { LoadCount, Shape } from "./h2load.ts";

/** What it is to do. */
export interface GrpcJsPlan extends Shape {
  /** A port of 127.0.0.1. */
  readonly port: number;
  /** Milliseconds before the measurement. */
  readonly warmUpMs: number;
  /** Milliseconds of the measurement. */
  readonly measureMs: number;
  /** Whether each call has a deadline of its own, so that hardly two of them have the same head. */
  readonly hasDeadlines: boolean;
}

/** What is far enough off for all calls, and how much further some of them are, in milliseconds. */
const DEADLINE = { leastMs: 5_000, spreadMs: 90_000 } as const;

const FRAME_HEADER_BYTES = 5;
const MESSAGE = Buffer.from(requestFrame(1).subarray(FRAME_HEADER_BYTES));

/** Neither writes nor reads a message. */
function asIs(bytes: Buffer): Buffer {
  return bytes;
}

async function run(plan: GrpcJsPlan): Promise<LoadCount> {
  const { port, connections, streams, warmUpMs, measureMs, hasDeadlines } = plan;
  const clients = Array.from({ length: connections }, () => {
    // Without a pool of its own all clients of a process share one connection.
    const options = { "grpc.use_local_subchannel_pool": 1 };
    return new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options);
  });
  // Connections and compilers take what they take: the time begins when each client has had an answer.
  await Promise.all(clients.map((client) => call(client, {})));
  const startMs = performance.now() + warmUpMs;
  const endMs = startMs + measureMs;
  let successes = 0;
  const failures: unknown[] = [];
  const callInTurn = async (client: Client) => {
    try {
      while (performance.now() < endMs) {
        blockFromBinary(await call(client, hasDeadlines ? deadline() : {}));
        const nowMs = performance.now();
        if (nowMs >= startMs && nowMs <= endMs) successes++;
      }
    } catch (error) {
      failures.push(error);
    }
  };
  await Promise.all(clients.flatMap((client) => Array(streams).fill(client).map(callInTurn)));
  clients.forEach((client) => client.close());
  const perSecond = successes / (measureMs / 1_000);
  const counts = { successes, failures: failures.length, requests: successes, perSecond };
  return failures.length === 0 ? counts : { ...counts, firstFailure: String(failures[0]) };
}

function deadline(): CallOptions {
  const { leastMs, spreadMs } = DEADLINE;
  return { deadline: Date.now() + leastMs + Math.floor(Math.random() * spreadMs) };
}

function call(client: Client, options: CallOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const onAnswer = (error: ServiceError | null, answer?: Buffer) => {
      if (answer === undefined) reject(error);
      else resolve(answer);
    };
    client.makeUnaryRequest(GET_TS_PATH, asIs, asIs, MESSAGE, options, onAnswer);
  });
}

const [plan = ""] = process.argv.slice(2);
console.log(JSON.stringify(await run(JSON.parse(plan))));
