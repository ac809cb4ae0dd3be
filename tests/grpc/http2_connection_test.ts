// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { createServer } from "node:http2";
import type { Http2Server } from "node:http2";
import { Http2Connection } from "../../src/grpc/http2_connection.ts";
import { ioTest } from "../_support/levels.ts";
import { within } from "../_support/server_process.ts";

const LIMIT_MS = 20_000;

for (
  const [origin, authority] of [
    ["https://oracle.example:443", "https://oracle.example"],
    ["http://oracle.example:80", "http://oracle.example"],
    ["https://oracle.example:80", "https://oracle.example:80"],
    ["http://[::1]:50551", "http://[::1]:50551"],
  ] as const
) {
  Deno.test(`Http2Connection to ${origin} has the authority that the URLs of calls have`, () => {
    const connection = new Http2Connection({ origin, tls: undefined });
    assert.equal(connection.authority, authority);
    assert.equal(new URL(`${origin}/tsoracle.v1.TsoService/GetTs`).origin, connection.authority);
    connection.close();
  });
}

/** A server of HTTP/2 on a port that may have been used before. */
async function listen(port: number): Promise<Http2Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return server;
}

async function closed(server: Http2Server): Promise<void> {
  await new Promise((resolve) => server.close(resolve));
}

function portOf(server: Http2Server): number {
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

ioTest("Http2Connection.dial() tries anew after a peer that was not there", async () => {
  const before = await listen(0);
  const port = portOf(before);
  await closed(before);
  const connection = new Http2Connection({ origin: `http://127.0.0.1:${port}`, tls: undefined });
  // The connection itself does not keep the process alive.
  const dial = () => within(connection.dial(), LIMIT_MS, () => "the dial did not end");
  await assert.rejects(dial(), /ECONNREFUSED/);
  const server = await listen(port);
  await dial();
  connection.close();
  await closed(server);
});
