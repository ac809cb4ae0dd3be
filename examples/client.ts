// SPDX-License-Identifier: Apache-2.0

/**
 * What a program does with an oracle: timestamps, a range of them, ordinals without gaps, and a lease that is
 * held. Without an address it starts an oracle of its own, which forgets everything when the program ends.
 *
 *     deno run -A examples/client.ts [HOST:PORT]
 */

import { MemoryDriver, Oracle, serve } from "@tsoracle/tsoracle";
import { TsoClient } from "@tsoracle/tsoracle/client";

await using oracle = new Oracle({ driver: new MemoryDriver() });
await using server = await serve(oracle, { port: 0 });

await using client = new TsoClient({ endpoints: [Deno.args[0] ?? server.address] });

// A thousand callers of the same moment share one request.
const all = await Promise.all(Array.from({ length: 1_000 }, () => client.getTs()));
console.log(`${new Set(all.map(String)).size} timestamps, the first is ${all[0]}`);

const range = await client.getTsBatch(100_000);
console.log(`${range.length} more, from ${range.first} to ${range.last}`);

const { key, start, count } = await client.getSeq("invoices", 3);
for (let i = 0n; i < BigInt(count); i++) console.log(`${key} ${start + i}`);

await using lease = await client.holdLease("printer", { ttlMs: 15_000 });
if (lease.mayStamp(Date.now())) console.log(`lease ${lease.leaseId} is held`);
lease.signal.addEventListener("abort", () => console.log("no stamps from here on"));
