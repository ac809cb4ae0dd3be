// SPDX-License-Identifier: Apache-2.0

import { encodeBlock } from "../../../src/http2/hpack/hpack_encoder.ts";
import type { ByteSpan, Stream, StreamSink } from "../../../src/http2/stream.ts";

const HEAD = encodeBlock([{ name: ":status", value: "200" }, { name: "x-echo", value: "yes" }]);
const TRAILERS = encodeBlock([{ name: "x-end", value: "yes" }]);

const GREETING = new TextEncoder().encode("hello");

/** Answers each request with its body, as the parts of it come, or with `hello` if it has none; and trailers. */
export class EchoSink implements StreamSink {
  /** The streams that are over, with their codes. */
  readonly closed: [number, number][] = [];
  /** Bytes that wait for the client, by stream. */
  readonly #echoed = new Set<Stream>();
  readonly #held = new Map<Stream, number>();

  /** Takes a request. */
  readonly onRequest = (stream: Stream): void => {
    stream.sink = this;
    stream.respond(HEAD, false);
  };

  onData(stream: Stream, bytes: Uint8Array, { start, end }: ByteSpan): void {
    this.#echoed.add(stream);
    stream.send(bytes.slice(start, end), false);
    this.#held.set(stream, (this.#held.get(stream) ?? 0) + end - start);
    if (!stream.isWaiting) this.onWritable(stream);
  }

  onEnd(stream: Stream): void {
    if (!this.#echoed.delete(stream)) stream.send(GREETING, false);
    stream.sendTrailers(TRAILERS);
  }

  onWritable(stream: Stream): void {
    const held = this.#held.get(stream) ?? 0;
    this.#held.delete(stream);
    stream.consume(held);
  }

  onClosed(stream: Stream, code: number): void {
    this.#held.delete(stream);
    this.#echoed.delete(stream);
    this.closed.push([stream.id, code]);
  }
}
