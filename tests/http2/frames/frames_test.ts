// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { ConnectionFault, ERROR_CODE } from "../../../src/http2/error_code.ts";
import { FrameReader, readUint31, readUint32 } from "../../../src/http2/frames/frame_reader.ts";
import { checkFrame, unpad } from "../../../src/http2/frames/frame_rules.ts";
import { FLAG, FRAME_TYPE } from "../../../src/http2/frames/frame_type.ts";
import { AnswerFrames } from "../../../src/http2/frames/answer_frames.ts";
import { FrameWriter } from "../../../src/http2/frames/frame_writer.ts";
import { scaled } from "../../_support/levels.ts";

interface Copy {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: readonly number[];
}

/** Takes chunks, and keeps copies of the frames in them. */
class Collector {
  readonly frames: Copy[] = [];
  readonly #reader: FrameReader;

  constructor(maxPayloadBytes = 16_384) {
    this.#reader = new FrameReader(maxPayloadBytes);
  }

  read(chunk: Uint8Array): void {
    for (let at = this.#reader.next(chunk, 0); at >= 0; at = this.#reader.next(chunk, at)) {
      const { type, flags, streamId, bytes, start, end } = this.#reader.frame;
      this.frames.push({ type, flags, streamId, payload: [...bytes.subarray(start, end)] });
    }
  }
}

const PING = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);

/** A frame of each kind that is written, some of them long. */
function writeAll(writer: FrameWriter): void {
  writer.settings([[3, 256], [4, 0x7fff_ffff]]);
  writer.settingsAck();
  writer.headers(1, new Uint8Array(700).fill(7), { endStream: true, maxPayloadBytes: 300 });
  writer.data(3, new Uint8Array(900).fill(8), { start: 100, end: 880, endStream: false });
  writer.data(3, PING, { start: 2, end: 4, endStream: true });
  writer.ping(PING, 0, FLAG.ack);
  writer.rstStream(5, 8);
  writer.windowUpdate(0, 0x7fff_ffff);
  writer.goaway(0x7fff_fffd, 11, "calm");
}

Deno.test("FrameReader.next() finds what FrameWriter wrote, however it is cut", () => {
  const writer = new FrameWriter();
  writeAll(writer);
  const bytes = writer.take();
  const whole = new Collector();
  whole.read(bytes);
  assert.equal(whole.frames.length, 11);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
      const collector = new Collector();
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      places.slice(1).forEach((end, i) => collector.read(bytes.slice(places[i], end)));
      assert.deepEqual(collector.frames, whole.frames);
    }),
    { numRuns: scaled(200, 20_000) },
  );
});

Deno.test("FrameReader.next() takes one byte at a time", () => {
  const writer = new FrameWriter();
  writeAll(writer);
  const bytes = writer.take();
  const collector = new Collector();
  for (const byte of bytes) collector.read(new Uint8Array([byte]));
  assert.equal(collector.frames.length, 11);
  assert.deepEqual(collector.frames.at(-2), {
    type: FRAME_TYPE.windowUpdate,
    flags: 0,
    streamId: 0,
    payload: [127, 255, 255, 255],
  });
});

Deno.test("FrameReader.next() refuses a frame that is too long, before it has come", () => {
  for (const at of [0, 3]) {
    const reader = new Collector(300);
    const head = new Uint8Array([0, 1, 45, 0, 0, 0, 0, 0, 1]);
    reader.read(head.slice(0, at));
    assert.throws(() => reader.read(head.slice(at)), { code: ERROR_CODE.frameSizeError });
  }
});

Deno.test("FrameWriter splits a header block into frames that the peer takes", () => {
  const writer = new FrameWriter();
  writer.headers(1, new Uint8Array(700), { endStream: true, maxPayloadBytes: 300 });
  writer.headers(3, new Uint8Array(0), { endStream: false, maxPayloadBytes: 300 });
  const collector = new Collector();
  collector.read(writer.take());
  assert.deepEqual(
    collector.frames.map(({ type, flags, payload }) => [type, flags, payload.length]),
    [
      [FRAME_TYPE.headers, FLAG.endStream, 300],
      [FRAME_TYPE.continuation, 0, 300],
      [FRAME_TYPE.continuation, FLAG.endHeaders, 100],
      [FRAME_TYPE.headers, FLAG.endHeaders, 0],
    ],
  );
});

Deno.test("FrameWriter.take() gives bytes that are never written to again", () => {
  const writer = new FrameWriter();
  writer.rstStream(1, 1);
  const first = writer.take();
  const copy = first.slice();
  writer.rstStream(3, 2);
  assert.deepEqual(first, copy);
  assert.equal(writer.take().length, 13);
  assert.equal(writer.length, 0);
});

Deno.test("FrameWriter.take() gives bytes that no other writer touches until they are given back", () => {
  const [one, other] = [new FrameWriter(), new FrameWriter()];
  one.ping(PING, 0, 0);
  const first = one.take();
  one.giveBack(first);
  other.ping(PING, 0, FLAG.ack);
  const second = other.take();
  one.rstStream(3, 2);
  assert.deepEqual(second.subarray(9), PING);
  assert.equal(second[4], FLAG.ack);
});

Deno.test("AnswerFrames are what FrameWriter writes for the stream that they were addressed to last", () => {
  const [head, trailers] = [new Uint8Array(20).fill(1), new Uint8Array(9).fill(2)];
  const body = Uint8Array.of(3, 4, 5);
  for (const end of [{ trailers }, {}]) {
    const answer = new AnswerFrames({ head, bodyBytes: body.length, ...end });
    answer.bytes.set(body, answer.bodyStart);
    for (const id of [1, 0x7fff_ffff, 259]) {
      const endStream = !("trailers" in end);
      const writer = new FrameWriter();
      writer.headers(id, head, { endStream: false, maxPayloadBytes: 16_384 });
      writer.data(id, body, { start: 0, end: body.length, endStream });
      if (!endStream) writer.headers(id, trailers, { endStream: true, maxPayloadBytes: 16_384 });
      answer.address(id);
      assert.deepEqual(answer.bytes, writer.take());
    }
  }
});

Deno.test("readUint32() reads the highest bit, and readUint31() leaves it", () => {
  const bytes = new Uint8Array([0xff, 0xff, 0xff, 0xfe]);
  assert.equal(readUint32(bytes, 0), 0xffff_fffe);
  assert.equal(readUint31(bytes, 0), 0x7fff_fffe);
});

const { protocolError, frameSizeError } = ERROR_CODE;
const RULES: readonly (readonly [string, number, number, number, number, number | undefined])[] = [
  ["DATA on the connection", FRAME_TYPE.data, 0, 0, 1, protocolError],
  ["HEADERS on the connection", FRAME_TYPE.headers, 0, 0, 1, protocolError],
  ["PRIORITY on the connection", FRAME_TYPE.priority, 0, 0, 5, protocolError],
  ["RST_STREAM on the connection", FRAME_TYPE.rstStream, 0, 0, 4, protocolError],
  ["RST_STREAM of 3 bytes", FRAME_TYPE.rstStream, 0, 1, 3, frameSizeError],
  ["SETTINGS on a stream", FRAME_TYPE.settings, 0, 1, 6, protocolError],
  ["SETTINGS of 5 bytes", FRAME_TYPE.settings, 0, 0, 5, frameSizeError],
  ["SETTINGS with ACK and a value", FRAME_TYPE.settings, FLAG.ack, 0, 6, frameSizeError],
  ["PUSH_PROMISE on the connection", FRAME_TYPE.pushPromise, 0, 0, 4, protocolError],
  ["PING on a stream", FRAME_TYPE.ping, 0, 1, 8, protocolError],
  ["PING of 7 bytes", FRAME_TYPE.ping, 0, 0, 7, frameSizeError],
  ["GOAWAY on a stream", FRAME_TYPE.goaway, 0, 1, 8, protocolError],
  ["GOAWAY of 7 bytes", FRAME_TYPE.goaway, 0, 0, 7, frameSizeError],
  ["WINDOW_UPDATE of 5 bytes", FRAME_TYPE.windowUpdate, 0, 1, 5, frameSizeError],
  ["CONTINUATION on the connection", FRAME_TYPE.continuation, 0, 0, 1, protocolError],
  ["WINDOW_UPDATE on the connection", FRAME_TYPE.windowUpdate, 0, 0, 4, undefined],
  ["a type that nobody knows", 0xee, 0xff, 0, 1, undefined],
];

for (const [name, type, flags, streamId, length, code] of RULES) {
  const verdict = code === undefined ? "takes" : "refuses";
  Deno.test(`checkFrame() ${verdict} ${name}`, () => {
    const frame = { type, flags, streamId, bytes: new Uint8Array(length), start: 0, end: length };
    if (code === undefined) checkFrame(frame);
    else assert.throws(() => checkFrame(frame), { name: "ConnectionFault", code });
  });
}

Deno.test("unpad() finds what a frame carries, and refuses what does not fit", () => {
  const find = (type: number, flags: number, bytes: number[]) => {
    const span = { start: 0, end: 0 };
    unpad(
      { type, flags, streamId: 1, bytes: new Uint8Array(bytes), start: 0, end: bytes.length },
      span,
    );
    return [span.start, span.end];
  };
  const { data, headers } = FRAME_TYPE;
  assert.deepEqual(find(data, 0, [1, 2]), [0, 2]);
  assert.deepEqual(find(data, FLAG.padded, [2, 9, 0, 0]), [1, 2]);
  assert.deepEqual(find(data, FLAG.padded, [3, 0, 0, 0]), [1, 1]);
  assert.deepEqual(find(headers, FLAG.priority, [0, 0, 0, 0, 0, 7]), [5, 6]);
  assert.deepEqual(find(headers, FLAG.priority | FLAG.padded, [1, 0, 0, 0, 0, 0, 7, 0]), [6, 7]);
  assert.throws(() => find(data, FLAG.padded, [4, 0, 0, 0]), { code: protocolError });
  assert.throws(() => find(data, FLAG.padded, []), { code: frameSizeError });
  assert.throws(() => find(headers, FLAG.priority, [0, 0]), { code: frameSizeError });
  assert.throws(
    () => find(headers, FLAG.priority | FLAG.padded, [1, 0, 0, 0, 0, 0]),
    ConnectionFault,
  );
});
