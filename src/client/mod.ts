// SPDX-License-Identifier: Apache-2.0

/**
 * The client for Deno and Node. It finds the leader, follows it, and gathers callers into batches; it keeps
 * no timestamp for later.
 *
 * ```ts
 * import { TsoClient } from "@tsoracle/tsoracle/client";
 * import { MemoryDriver, Oracle, serve } from "@tsoracle/tsoracle";
 * import assert from "node:assert/strict";
 *
 * await using oracle = new Oracle({ driver: new MemoryDriver() });
 * await using server = await serve(oracle, { port: 0 });
 *
 * await using client = new TsoClient({ endpoints: [server.address] });
 * const first = await client.getTs();
 * const many = await client.getTsBatch(1_000);
 * assert(first < many.first && many.first < many.last);
 * ```
 *
 * @module
 */

export { TsoClient } from "./node_client.ts";
export * from "./exports.ts";
