// SPDX-License-Identifier: Apache-2.0

/**
 * What the client itself costs, and what overlapping batches are worth: `deno run bench/client_bench.ts`. For
 * ratios on one machine; the figures of docs/performance.md come from `deno task bench`.
 *
 * @module
 */

import { TsoClient } from "../src/client/web.ts";
import type { ClientCallOptions, ClientOptions } from "../src/client/web.ts";
import { setImmediate } from "node:timers";
import { stubChannel } from "./client_alone.ts";
import { formatTable } from "./table.ts";

const CALLERS = [1, 16, 256, 1_024, 10_000];
const IN_FLIGHT = [1, 2, 4];
/** About what a call over a loopback connection takes. */
const ROUND_TRIP_MS = 1;

const LIMITS: Readonly<Record<string, ClientCallOptions | undefined>> = {
  plain: undefined,
  signal: { signal: new AbortController().signal },
  timeoutMs: { timeoutMs: 5_000 },
};

interface Load extends Partial<ClientOptions> {
  /** Given to every call. */
  readonly limits?: ClientCallOptions | undefined;
}

/** Awaited calls per second of `callers` loops, the best of three runs of `calls` calls. */
async function rateOf(callers: number, calls: number, { limits, ...options }: Load) {
  await using client = new TsoClient({
    endpoints: ["127.0.0.1:1"],
    connect: stubChannel,
    maxQueued: callers + 1,
    ...options,
  });
  let best = 0;
  for (let run = 0; run < 3; run++) {
    let left = calls;
    const beganMs = performance.now();
    await Promise.all(Array.from({ length: callers }, async () => {
      while (left-- > 0) await client.getTs(limits);
    }));
    best = Math.max(best, calls / ((performance.now() - beganMs) / 1_000));
  }
  return Math.round(best).toLocaleString("en");
}

/** The stub behind a round trip. */
function distantChannel(): ReturnType<typeof stubChannel> {
  const { transport, close } = stubChannel();
  const unary = async (...call: never[]) => {
    await new Promise((resolve) => setTimeout(resolve, ROUND_TRIP_MS));
    return await transport.unary(...call);
  };
  return { transport: { unary, stream: transport.stream }, close };
}

/** The stub with a turn of the event loop, in which timers can fire. */
function yieldingChannel(): ReturnType<typeof stubChannel> {
  const { transport, close } = stubChannel();
  const unary = async (...call: never[]) => {
    await new Promise((resolve) => setImmediate(resolve));
    return await transport.unary(...call);
  };
  return { transport: { unary, stream: transport.stream }, close };
}

const alone = await Array.fromAsync(CALLERS, async (callers) => [
  String(callers),
  await rateOf(callers, callers === 1 ? 50_000 : 1_000_000, {}),
]);
console.log(formatTable(["callers", "awaited calls/s"], alone));
const limited = await Array.fromAsync([1, 1_024], async (callers) => [
  String(callers),
  ...await Array.fromAsync(
    Object.values(LIMITS),
    (limits) => rateOf(callers, callers * 500, { limits, connect: yieldingChannel }),
  ),
]);
console.log("\nby what each call is given:");
console.log(formatTable(["callers", ...Object.keys(LIMITS)], limited));
const distant = await Array.fromAsync(CALLERS, async (callers) => [
  String(callers),
  ...await Array.fromAsync(
    IN_FLIGHT,
    (maxInFlight) => rateOf(callers, callers * 100, { maxInFlight, connect: distantChannel }),
  ),
]);
console.log(`\nbehind a round trip of ${ROUND_TRIP_MS} ms, by maxInFlight:`);
console.log(formatTable(["callers", ...IN_FLIGHT.map(String)], distant));
