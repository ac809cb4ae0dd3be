// SPDX-License-Identifier: Apache-2.0

import type { Socket } from "node:net";
import { connect, createServer } from "node:net";
import { TsoClient } from "../../src/client/mod.ts";
import type { CallBytes } from "./targets/echo.ts";
import { listenOnLoopback } from "./targets/listen.ts";

/** By then both sides know all header fields, and what only a new connection sends is over. */
const FIRST_CALLS = 20;
const CALLS = 100;

/**
 * Counts what goes each way while the client of this package makes one call after the other.
 *
 * @param port of a server on 127.0.0.1
 * @returns the means
 */
export async function bytesOfACall(port: number): Promise<CallBytes> {
  const counts = { request: 0, answer: 0 };
  const sockets: Socket[] = [];
  const relay = createServer((caller) => {
    const server = connect({ port, host: "127.0.0.1", noDelay: true });
    sockets.push(caller.setNoDelay(true), server);
    caller.on("data", (chunk) => counts.request += chunk.length).pipe(server);
    server.on("data", (chunk) => counts.answer += chunk.length).pipe(caller);
    for (const socket of [caller, server]) socket.on("error", () => socket.destroy());
  });
  const address = `127.0.0.1:${await listenOnLoopback(relay)}`;
  const client = new TsoClient({ endpoints: [address] });
  try {
    for (let call = 0; call < FIRST_CALLS; call++) await client.getTs();
    const before = { ...counts };
    for (let call = 0; call < CALLS; call++) await client.getTs();
    return {
      request: Math.round((counts.request - before.request) / CALLS),
      answer: Math.round((counts.answer - before.answer) / CALLS),
    };
  } finally {
    await client.close();
    sockets.forEach((socket) => socket.destroy());
    await new Promise((closed) => relay.close(closed));
  }
}
