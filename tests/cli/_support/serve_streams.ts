// SPDX-License-Identifier: Apache-2.0

import type { Http2Server, ServerHttp2Stream } from "node:http2";
import { createServer } from "node:http2";
import type { AddressInfo, Socket } from "node:net";

/** What becomes of a stream; `cut` ends all connections. */
export type StreamEnd = (stream: ServerHttp2Stream, cut: () => void) => void;

/** A server that takes requests and does with each stream as a test says. */
export async function serveStreams(onStream: StreamEnd) {
  const sockets = new Set<Socket>();
  const cut = () => sockets.forEach((socket) => socket.destroy());
  const server: Http2Server = createServer();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    stream.once("data", () => onStream(stream, cut)).resume();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers with a status of gRPC. */
export function refuseStream(
  stream: ServerHttp2Stream,
  { status, message }: { readonly status: number; readonly message: string },
): void {
  stream.respond({
    ":status": 200,
    "content-type": "application/grpc",
    "grpc-status": String(status),
    "grpc-message": message,
  }, { endStream: true });
}
