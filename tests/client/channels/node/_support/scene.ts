// SPDX-License-Identifier: Apache-2.0

import { once } from "node:events";
import { createServer } from "node:http2";
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import type { Channel } from "../../../../../src/client/channels/channel.ts";
import { connectGrpc } from "../../../../../src/client/channels/node/node_channel.ts";
import { ANSWERS } from "./answers.ts";

/** What has come to a server, which answers nothing unless it is told to. */
export interface Scene {
  readonly channel: Channel;
  readonly port: number;
  readonly heads: IncomingHttpHeaders[];
  readonly streams: ServerHttp2Stream[];
  /** What came of the body of each. */
  readonly bodies: number[][];
  answers: boolean;
  /** The name of the answer. */
  answer: string;
}

/** Runs a test against a server of its own, over a channel to it. */
export async function play(run: (scene: Scene) => Promise<void>): Promise<void> {
  const server: Http2Server = createServer();
  const closers: (() => void)[] = [];
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const channel = connectGrpc({ origin: `http://127.0.0.1:${port}`, tls: undefined });
  const scene: Scene = {
    channel,
    port,
    heads: [],
    streams: [],
    bodies: [],
    answers: false,
    answer: "a message",
  };
  server.on("session", (session) => {
    session.on("error", () => {});
    closers.push(() => session.destroy());
  });
  server.on("stream", (stream: ServerHttp2Stream, head) => {
    scene.heads.push(head);
    scene.streams.push(stream);
    const body: number[] = [];
    scene.bodies.push(body);
    stream.on("error", () => {}).on("data", (part: Uint8Array) => body.push(...part));
    if (scene.answers) ANSWERS[scene.answer]?.(stream);
  });
  try {
    await run(scene);
  } finally {
    channel.close();
    for (const close of closers) close();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}
