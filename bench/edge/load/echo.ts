// SPDX-License-Identifier: Apache-2.0

/**
 * Asks a bare TCP echo for what a call costs without any protocol: one request after the other, each of as many bytes as
 * a call has. The plan is its only argument, as JSON, and the latencies are all that it prints.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect } from "node:net";
import process from "node:process";
import { Latencies } from "../../../src/cli/bench/latencies.ts";
import type { CallBytes } from "../targets/echo.ts";

/** What it is to do. */
export interface EchoPlan {
  /** A port of 127.0.0.1. */
  readonly port: number;
  readonly bytes: CallBytes;
  /** Milliseconds before the measurement. */
  readonly warmUpMs: number;
  /** Milliseconds of the measurement. */
  readonly measureMs: number;
}

async function run({ port, bytes, warmUpMs, measureMs }: EchoPlan): Promise<Latencies> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  const request = Buffer.alloc(bytes.request, 1);
  const startMs = performance.now() + warmUpMs;
  const latencies = new Latencies();
  let answered = () => {};
  let missing = 0;
  socket.on("data", (chunk: Buffer) => {
    missing -= chunk.length;
    if (missing <= 0) answered();
  });
  for (let beganMs = 0; (beganMs = performance.now()) < startMs + measureMs;) {
    missing = bytes.answer;
    const answer = new Promise<void>((resolve) => answered = resolve);
    socket.write(request);
    await answer;
    if (beganMs >= startMs) latencies.record(performance.now() - beganMs);
  }
  socket.destroy();
  return latencies;
}

const [plan = ""] = process.argv.slice(2);
console.log(JSON.stringify((await run(JSON.parse(plan))).figures()));
