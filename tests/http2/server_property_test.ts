// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { ERROR_CODE } from "../../src/http2/error_code.ts";
import { AnswerFrames } from "../../src/http2/frames/answer_frames.ts";
import { encodeBlock } from "../../src/http2/hpack/hpack_encoder.ts";
import type { ByteSpan, Stream, StreamSink } from "../../src/http2/stream.ts";
import { scaled } from "../_support/levels.ts";
import { cancel, data, FLAG, frame, openStream, TYPE } from "../net/_support/h2_frames.ts";
import { MemoryClient } from "./_support/memory_client.ts";
import { uint32, windowUpdate } from "./_support/memory_server.ts";
import { StrictView } from "./_support/strict_view.ts";

const MAX_STREAMS = 3;
const BODY_BYTES = 20;
const HEAD = encodeBlock([{ name: ":status", value: "200" }]);
const INTERIM = encodeBlock([{ name: ":status", value: "103" }]);
const TRAILERS = encodeBlock([{ name: "x", value: "y" }]);
/** It needs more than one frame. */
const LARGE = encodeBlock([{ name: "x", value: "y".repeat(30_000) }]);

/** What the one who answers does with a stream, and whether its answer ends with that. */
const ACTIONS: readonly ((stream: Stream, bytes: number) => boolean)[] = [
  (stream) => (stream.inform(INTERIM), false),
  (stream) => !stream.hasBegun && (stream.respond(LARGE, true), true),
  (stream, bytes) => (begun(stream).send(Buffer.alloc(bytes), false), false),
  (stream, bytes) => (begun(stream).send(Buffer.alloc(bytes), false), false),
  (stream, bytes) => (begun(stream).send(Buffer.alloc(bytes), true), true),
  (stream) => (begun(stream).send(Buffer.alloc(0), true), true),
  (stream) => (begun(stream).sendTrailers(TRAILERS), true),
  (stream) => (begun(stream).sendTrailers(LARGE), true),
  (stream) => (stream.reset(ERROR_CODE.cancel), true),
  answer,
  answer,
];

function begun(stream: Stream): Stream {
  stream.respond(HEAD, false);
  return stream;
}

function answer(stream: Stream): boolean {
  if (!stream.isReceived || !stream.canAnswer(BODY_BYTES)) return false;
  stream.answer(new AnswerFrames({ head: HEAD, bodyBytes: BODY_BYTES, trailers: TRAILERS }));
  return true;
}

/** A client and the one who answers, with the streams that both have open. */
class Play implements StreamSink, Disposable {
  readonly view = new StrictView();
  readonly client = MemoryClient.greeted({
    streams: MAX_STREAMS,
    onRequest: (stream) => {
      stream.sink = this;
      this.#live.set(stream, false);
    },
  });
  /** The open streams, and whether their answers have ended. */
  readonly #live = new Map<Stream, boolean>();
  #next = 1;

  onData(stream: Stream, _: Uint8Array, { start, end }: ByteSpan): void {
    stream.consume(end - start);
  }

  onEnd(): void {}

  onWritable(): void {}

  onClosed(stream: Stream): void {
    assert(this.#live.delete(stream), "a stream that ends twice");
  }

  open(isWhole: boolean): void {
    if (this.#live.size === MAX_STREAMS || this.client.connection.isOver) return;
    const request = openStream(this.#next);
    if (isWhole) request[4] = FLAG.endHeaders | FLAG.endStream;
    this.view.open(this.#next);
    this.#next += 2;
    this.client.send(request);
  }

  /** An open stream, if there is one. */
  pick(choice: number): Stream | undefined {
    return [...this.#live.keys()][choice % Math.max(1, this.#live.size)];
  }

  act(stream: Stream, choice: number, bytes: number): void {
    if (this.#live.get(stream) !== false) return;
    const hasEnded = ACTIONS[choice % ACTIONS.length]?.(stream, bytes) ?? false;
    if (hasEnded && this.#live.has(stream)) this.#live.set(stream, true);
  }

  /** Checks what was written since the last time. */
  async check(ms: number): Promise<void> {
    await this.client.advance(ms);
    this.view.check(this.client.received);
    this.client.writes.length = 0;
    assert.deepEqual(this.client.faults, []);
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
    assert.deepEqual([this.client.connection.streams, this.#live.size], [0, 0]);
  }
}

/** What happens, with numbers that say where and how much. */
const STEPS: readonly ((play: Play, choice: number, bytes: number) => void)[] = [
  (play, choice) => play.open(choice % 2 === 0),
  (play, choice) => play.open(choice % 2 === 0),
  (play, choice, bytes) => {
    const stream = play.pick(choice);
    if (stream?.isReceived === false) {
      play.client.send(data(stream.id, Buffer.alloc(bytes % 16_384), bytes % 3 === 0));
    }
  },
  (play, choice) => {
    const stream = play.pick(choice);
    if (stream !== undefined) play.client.send(cancel(stream.id));
  },
  (play, choice, bytes) => {
    const id = choice % 3 === 0 ? 0 : play.pick(choice)?.id ?? 0;
    play.view.credit(id, bytes + 1);
    play.client.send(windowUpdate(id, bytes + 1));
  },
  (play, choice, bytes) => {
    const windowBytes = choice % 3 === 0 ? 100_000 : bytes % 64;
    play.view.resize(windowBytes);
    const setting = Buffer.concat([Buffer.from([0, 4]), uint32(windowBytes)]);
    play.client.send(frame(TYPE.settings, 0, 0, setting));
  },
  (play, choice) => {
    play.client.heldBytes = choice % 3 === 0 ? 1_000_000 : 0;
    if (play.client.heldBytes === 0) play.client.connection.drained();
  },
];

const bytes = fc.oneof(fc.nat(60), fc.constant(16_384));
const turn = fc.oneof(
  fc.tuple(fc.constant("step"), fc.nat(STEPS.length - 1), fc.nat(20), bytes),
  fc.tuple(fc.constant("act"), fc.nat(20), fc.nat(ACTIONS.length - 1), bytes),
);
const pause = fc.constantFrom(0, 0, 0, 0, 500);

Deno.test("whatever both sides do, a server sends whole frames, in their order, within the windows", async () => {
  const turns = fc.array(fc.tuple(turn, pause), { minLength: 30, maxLength: 150, size: "max" });
  const property = fc.asyncProperty(turns, async (played) => {
    using play = new Play();
    for (const [[kind, first, second, size], ms] of played) {
      if (kind === "step") {
        STEPS[first]?.(play, second, size);
      } else {
        const stream = play.pick(first);
        if (stream !== undefined) play.act(stream, second, size);
      }
      await play.check(ms);
    }
  });
  await fc.assert(property, { numRuns: scaled(400, 20_000) });
});
