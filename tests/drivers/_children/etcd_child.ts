// SPDX-License-Identifier: Apache-2.0

/**
 * A client of etcd in a process of its own, on Deno or, bundled, on Node. Its arguments are the URL of a member, and how
 * many writes it makes. It watches a key, sees each of its writes, ends the watch, and forgets the client. It prints the
 * revisions that it saw.
 *
 * @module
 */

import process from "node:process";
import { SystemClock } from "../../../src/clock/system_clock.ts";
import { EtcdClient } from "../../../src/drivers/etcd/client.ts";
import { put, revisionOf } from "../../../src/drivers/etcd/operations.ts";

const CALM = { timeoutMs: 20_000 } as const;
const KEY = new TextEncoder().encode("key");
const RANGE_END = new TextEncoder().encode("key\0");

async function main(url: string, writes: number): Promise<void> {
  const client = new EtcdClient({ urls: [url], tls: undefined, clock: new SystemClock() });
  const stop = new AbortController();
  const range = { key: KEY, rangeEnd: RANGE_END };
  const responses = client.watch(range, { ...CALM, from: 1n, signal: stop.signal });
  await responses.next();
  const written: bigint[] = [];
  for (let i = 0; i < writes; i++) {
    const value = new Uint8Array(2_000).fill(i);
    written.push(revisionOf(await client.txn({ success: [put(KEY, value)] }, CALM)));
  }
  const seen: bigint[] = [];
  while (seen.length < writes) {
    const { value } = await responses.next();
    for (const { kv } of value?.events ?? []) seen.push(kv?.modRevision ?? 0n);
  }
  stop.abort(new Error("enough"));
  await responses.next().catch(() => {});
  console.log(`${seen.join()} ${String(seen) === String(written)}`);
}

const [url = "", writes = "1"] = process.argv.slice(2);
await main(url, Number(writes));
