// SPDX-License-Identifier: Apache-2.0

import { ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { faultOf } from "../../../../src/client/calls/fault.ts";
import type { Fault } from "../../../../src/client/calls/fault.ts";
import { ioTest } from "../../../_support/levels.ts";
import { goaway, head, reset, settingsOf } from "../../../http2/_support/memory_server.ts";
import { framesOf, PREFACE, settingsAck, TYPE } from "../../../net/_support/h2_frames.ts";
import { callsOn, open } from "./_support/transports.ts";
import type { TransportName } from "./_support/transports.ts";

/** What a server does with the first request on a connection, and whether that was certainly not carried out. */
const ENDS: Readonly<Record<string, readonly [Fault["kind"], (socket: Socket) => void]>> = {
  "closes the connection": ["transport", (socket) => void socket.end()],
  "resets the connection": ["transport", (socket) => void socket.resetAndDestroy()],
  "closes it within the answer": ["transport", (socket) => void socket.end(head(1))],
  "speaks another protocol": ["transport", (socket) => {
    socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  }],
  "says goodbye for a fault, having seen it": ["transport", (socket) => {
    socket.end(goaway(1, 11));
  }],
  "says goodbye, not having looked at it": ["not-sent", (socket) => void socket.write(goaway(0))],
  "refuses it": ["not-sent", (socket) => void socket.write(reset(1, 7))],
  "cancels it": ["transport", (socket) => void socket.write(reset(1, 8))],
};

/** Counts the requests that come to a server that ends each of them in the same way. */
class EndingServer implements AsyncDisposable {
  requests = 0;
  readonly #server = createServer((socket) => this.#accept(socket));
  readonly #sockets = new Set<Socket>();
  readonly #end: (socket: Socket) => void;

  private constructor(end: (socket: Socket) => void) {
    this.#end = end;
  }

  static async start(end: (socket: Socket) => void): Promise<EndingServer> {
    const server = new EndingServer(end);
    await once(server.#server.listen(0, "127.0.0.1"), "listening");
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket.on("error", () => {}));
    socket.once("close", () => this.#sockets.delete(socket));
    socket.write(Buffer.concat([settingsOf([]), settingsAck()]));
    let bytes: Buffer = Buffer.alloc(0);
    let seen = 0;
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const frames = framesOf(bytes.subarray(PREFACE.length));
      const requests = frames.filter(({ type }) => type === TYPE.headers).length;
      this.requests += requests - seen;
      if (requests > seen) this.#end(socket);
      seen = requests;
    });
  }
}

async function faultFrom(name: TransportName, server: EndingServer): Promise<Fault> {
  const channel = open(name, server.origin);
  try {
    const answer = await callsOn(channel).getTs({ count: 1 }, { timeoutMs: 5_000 });
    throw new Error(`an answer: ${JSON.stringify(answer)}`);
  } catch (error) {
    assert(error instanceof ConnectError, String(error));
    return faultOf(error, { sendsOnce: true });
  } finally {
    channel.close();
  }
}

for (const [what, [kind, end]] of Object.entries(ENDS)) {
  for (const name of ["own", "connect-node"] as const) {
    ioTest(
      `a request to a server that ${what} is sent once and fails as ${kind} (${name})`,
      async () => {
        await using server = await EndingServer.start(end);
        const fault = await faultFrom(name, server);
        assert.deepEqual([fault.kind, server.requests], [kind, 1], fault.text);
      },
    );
  }
}
