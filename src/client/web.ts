// SPDX-License-Identifier: Apache-2.0

/**
 * The client for browsers: the one of `./client`, over gRPC-Web and `fetch`. It needs nothing of Node, and
 * works wherever there is a `fetch`. The server has to allow the origin of the page, with `--cors-origin`.
 *
 * ```ts
 * import { TsoClient } from "@tsoracle/tsoracle/web";
 * import { MemoryDriver, Oracle, serve } from "@tsoracle/tsoracle";
 * import assert from "node:assert/strict";
 *
 * await using oracle = new Oracle({ driver: new MemoryDriver() });
 * await using server = await serve(oracle, { port: 0 });
 *
 * await using client = new TsoClient({ endpoints: [server.address] });
 * const ts = await client.getTs();
 * assert.equal(JSON.stringify({ ts }), `{"ts":"${ts}"}`);
 * ```
 *
 * @module
 */

export { TsoClient } from "./web_client.ts";
export * from "./exports.ts";
