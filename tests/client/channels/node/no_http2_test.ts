// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { ioTest } from "../../../_support/levels.ts";

/** Servers that are none of HTTP/2, by what they do with a connection. */
const PEERS: Readonly<Record<string, (socket: Socket) => void>> = {
  "says nothing": () => {},
  "answers in HTTP/1.1": (socket) => void socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"),
  "closes at once": (socket) => void socket.end(),
  "resets the connection": (socket) => void socket.resetAndDestroy(),
};

for (const [what, greet] of Object.entries(PEERS)) {
  ioTest(`TsoClient.getSeq() knows that nothing was sent to a peer that ${what}`, async () => {
    const { TsoClient, TsoClientError, SeqUncertainError } = await import(
      "../../../../src/client/mod.ts"
    );
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on("error", () => {}));
      greet(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    try {
      await using client = new TsoClient({
        endpoints: [`127.0.0.1:${port}`],
        retry: { maxAttempts: 1, attemptTimeoutMs: 200 },
      });
      const error = await client.getSeq("orders").catch((error: unknown) => error);
      assert.ok(error instanceof TsoClientError, String(error));
      assert.equal(error instanceof SeqUncertainError, false, error.message);
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    }
  });
}
