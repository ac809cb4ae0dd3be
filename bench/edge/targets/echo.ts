// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { createServer } from "node:net";
import { listenOnLoopback } from "./listen.ts";

/** How many bytes go each way in one call. */
export interface CallBytes {
  readonly request: number;
  readonly answer: number;
}

/** A bare TCP server: whenever the bytes of a request are here, it writes those of an answer. */
export function serveEcho(bytes: CallBytes): Promise<number> {
  const answer = Buffer.alloc(bytes.answer, 1);
  return listenOnLoopback(createServer((socket) => {
    let received = 0;
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      for (received += chunk.length; received >= bytes.request; received -= bytes.request) {
        socket.write(answer);
      }
    });
  }));
}
