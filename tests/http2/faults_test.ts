// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ERROR_CODE } from "../../src/http2/error_code.ts";
import {
  data,
  field,
  FLAG,
  frame,
  hello,
  openStream,
  PREFACE,
  uint32,
  windowUpdate,
} from "../net/_support/h2_frames.ts";
import { MemoryClient } from "./_support/memory_client.ts";

const { protocolError, flowControlError, streamClosed, frameSizeError } = ERROR_CODE;
const { compressionError, refusedStream, enhanceYourCalm } = ERROR_CODE;
const EMPTY = Buffer.alloc(0);
const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  more: 9,
} as const;

function setting(id: number, value: number): Buffer {
  return frame(TYPE.settings, 0, 0, Buffer.concat([Buffer.from([0, id]), uint32(value)]));
}

/** A head of these fields. */
function head(stream: number, fields: [string, string][], flags: number): Buffer {
  return frame(TYPE.headers, flags, stream, Buffer.concat(fields.map(([n, v]) => field(n, v))));
}

const POST: [string, string][] = [[":method", "POST"], [":scheme", "http"], [":path", "/"]];
const WHOLE = FLAG.endHeaders | FLAG.endStream;

/** A request without a body. */
function whole(stream: number): Buffer {
  return head(stream, POST, WHOLE);
}

const ENDS: readonly (readonly [string, number, ...Buffer[]])[] = [
  ["DATA on an idle stream", protocolError, data(1, EMPTY)],
  ["an even stream", protocolError, openStream(2)],
  ["RST_STREAM on an idle stream", protocolError, frame(TYPE.reset, 0, 1, uint32(0))],
  ["WINDOW_UPDATE on an idle stream", protocolError, windowUpdate(1, 1)],
  ["WINDOW_UPDATE of 0", protocolError, windowUpdate(0, 0)],
  ["a window beyond 2^31 - 1", flowControlError, windowUpdate(0, 0x7fff_ffff)],
  ["PUSH_PROMISE", protocolError, frame(TYPE.push, FLAG.endHeaders, 1, uint32(2))],
  ["CONTINUATION without HEADERS", protocolError, frame(TYPE.more, FLAG.endHeaders, 1, EMPTY)],
  [
    "a PING within a header block",
    protocolError,
    head(1, POST, 0),
    frame(TYPE.ping, 0, 0, Buffer.alloc(8)),
  ],
  ["the block of another stream", protocolError, head(1, POST, 0), frame(TYPE.more, 4, 3, EMPTY)],
  [
    "an unknown frame within a header block",
    protocolError,
    head(1, POST, 0),
    frame(99, 0, 1, EMPTY),
  ],
  ["a stream below an earlier one", protocolError, whole(5), whole(3)],
  ["HEADERS on a stream that is complete", streamClosed, whole(1), whole(1)],
  ["DATA on a stream that is complete", streamClosed, whole(1), data(1, EMPTY)],
  [
    "a head that cannot be unpacked",
    compressionError,
    frame(TYPE.headers, 4, 1, Buffer.from([0xff])),
  ],
  ["SETTINGS_ENABLE_PUSH of 2", protocolError, setting(2, 2)],
  ["SETTINGS_INITIAL_WINDOW_SIZE of 2^31", flowControlError, setting(4, 0x8000_0000)],
  ["SETTINGS_MAX_FRAME_SIZE of 16383", protocolError, setting(5, 16_383)],
  ["SETTINGS_MAX_FRAME_SIZE of 2^24", protocolError, setting(5, 0x100_0000)],
  ["a frame of 16385 bytes", frameSizeError, frame(TYPE.data, 0, 1, Buffer.alloc(16_385))],
  [
    "PRIORITY of 4 bytes on an idle stream",
    frameSizeError,
    frame(TYPE.priority, 0, 1, Buffer.alloc(4)),
  ],
  [
    "PRIORITY of an idle stream on itself",
    protocolError,
    frame(TYPE.priority, 0, 1, Buffer.concat([uint32(1), Buffer.alloc(1)])),
  ],
  [
    "settings that make a window too large",
    flowControlError,
    openStream(1),
    windowUpdate(1, 0x7fff_ffff - 65_535),
    setting(4, 65_536),
  ],
  [
    "padding beyond the frame",
    protocolError,
    openStream(1),
    frame(TYPE.data, 8, 1, Buffer.from([9])),
  ],
];

for (const [name, code, ...parts] of ENDS) {
  Deno.test(`a connection ends with the right code on ${name}`, () => {
    using client = MemoryClient.greeted();
    client.send(...parts);
    assert.deepEqual(client.goaways, [code]);
    assert.equal(client.isEnded, true);
    assert.deepEqual(client.faults, []);
    client.send(whole(7));
    assert.equal(client.bodyOf(7), "");
  });
}

for (
  const [name, bytes] of [
    ["other bytes", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    [
      "a frame that is not SETTINGS",
      Buffer.concat([PREFACE, frame(TYPE.ping, 0, 0, Buffer.alloc(8))]),
    ],
    ["an acknowledgement", Buffer.concat([PREFACE, frame(TYPE.settings, FLAG.ack, 0, EMPTY)])],
  ] as const
) {
  Deno.test(`a connection ends on ${name} instead of the preface`, () => {
    using client = new MemoryClient();
    client.send(bytes);
    assert.deepEqual(client.goaways, [protocolError]);
  });
}

/** 15 KiB of fields, which count 21 KiB. */
const LARGE: [string, string][] = Array.from({ length: 150 }, () => ["x", "a".repeat(100)]);

const RESETS: readonly (readonly [string, number, ...Buffer[]])[] = [
  ["a capital in a name", protocolError, head(1, [...POST, ["X-a", "1"]], WHOLE)],
  ["a space in a name", protocolError, head(1, [...POST, ["x a", "1"]], WHOLE)],
  ["an empty name", protocolError, head(1, [...POST, ["", "1"]], WHOLE)],
  ["a line break in a value", protocolError, head(1, [...POST, ["x", "a\nb"]], WHOLE)],
  ["a space around a value", protocolError, head(1, [...POST, ["x", " a"]], WHOLE)],
  ["NUL in the path", protocolError, head(1, [...POST.slice(0, 2), [":path", "/\0"]], WHOLE)],
  ["an unknown pseudo-header", protocolError, head(1, [...POST, [":x", "1"]], WHOLE)],
  ["a pseudo-header of answers", protocolError, head(1, [...POST, [":status", "200"]], WHOLE)],
  ["a pseudo-header behind a field", protocolError, head(1, [["x", "1"], ...POST], WHOLE)],
  ["a pseudo-header twice", protocolError, head(1, [...POST, [":path", "/"]], WHOLE)],
  ["no method", protocolError, head(1, POST.slice(1), WHOLE)],
  ["no scheme", protocolError, head(1, [[":method", "GET"], [":path", "/"]], WHOLE)],
  ["no path", protocolError, head(1, POST.slice(0, 2), WHOLE)],
  ["an empty path", protocolError, head(1, [...POST.slice(0, 2), [":path", ""]], WHOLE)],
  ["a path without a slash", protocolError, head(1, [...POST.slice(0, 2), [":path", "*"]], WHOLE)],
  ["a space in the path", protocolError, head(1, [...POST.slice(0, 2), [":path", "/a b"]], WHOLE)],
  [
    "a method that is no token",
    protocolError,
    head(1, [[":method", "P T"], ...POST.slice(1)], WHOLE),
  ],
  ["an empty method", protocolError, head(1, [[":method", ""], ...POST.slice(1)], WHOLE)],
  [
    "a scheme that is none",
    protocolError,
    head(1, [[":method", "GET"], [":scheme", "1:"], [":path", "/"]], WHOLE),
  ],
  ["a user in :authority", protocolError, head(1, [...POST, [":authority", "me@a"]], WHOLE)],
  ["a port alone in :authority", protocolError, head(1, [...POST, [":authority", ":80"]], WHOLE)],
  [
    "a path without a slash under HTTP in capitals",
    protocolError,
    head(1, [[":method", "POST"], [":scheme", "HTTP"], [":path", "a"]], WHOLE),
  ],
  ["a line break in :authority", protocolError, head(1, [...POST, [":authority", "a\nb"]], WHOLE)],
  ["CONNECT with a path", protocolError, head(1, [[":method", "CONNECT"], [":path", "/"]], WHOLE)],
  ["connection", protocolError, head(1, [...POST, ["connection", "close"]], WHOLE)],
  ["transfer-encoding", protocolError, head(1, [...POST, ["transfer-encoding", "x"]], WHOLE)],
  ["te of another value", protocolError, head(1, [...POST, ["te", "gzip"]], WHOLE)],
  [
    "a host that is not that of :authority",
    protocolError,
    head(1, [...POST, [":authority", "a:1"], ["host", "a:2"]], WHOLE),
  ],
  ["two hosts", protocolError, head(1, [...POST, ["host", "a"], ["host", "b"]], WHOLE)],
  ["a length that is none", protocolError, head(1, [...POST, ["content-length", "-1"]], WHOLE)],
  [
    "an announced body that does not come",
    protocolError,
    head(1, [...POST, ["content-length", "1"]], WHOLE),
  ],
  [
    "a body longer than announced",
    protocolError,
    head(1, [...POST, ["content-length", "1"]], FLAG.endHeaders),
    data(1, Buffer.from("ab")),
  ],
  [
    "a body shorter than announced",
    protocolError,
    head(1, [...POST, ["content-length", "3"]], FLAG.endHeaders),
    data(1, Buffer.from("ab"), true),
  ],
  ["trailers that do not end the stream", protocolError, openStream(1), head(1, [["x", "1"]], 4)],
  ["a pseudo-header in trailers", protocolError, openStream(1), head(1, [[":path", "/"]], WHOLE)],
  ["WINDOW_UPDATE of 0", protocolError, openStream(1), windowUpdate(1, 0)],
  ["a window beyond 2^31 - 1", flowControlError, openStream(1), windowUpdate(1, 0x7fff_ffff)],
  [
    "PRIORITY of 4 bytes",
    frameSizeError,
    openStream(1),
    frame(TYPE.priority, 0, 1, Buffer.alloc(4)),
  ],
  [
    "PRIORITY of a stream on itself",
    protocolError,
    openStream(1),
    frame(TYPE.priority, 0, 1, Buffer.concat([uint32(1), Buffer.alloc(1)])),
  ],
  [
    "a stream that depends on itself",
    protocolError,
    frame(
      TYPE.headers,
      WHOLE | 0x20,
      1,
      Buffer.concat([
        uint32(1),
        Buffer.from([0]),
        ...POST.map(([n, v]) => field(n, v)),
      ]),
    ),
  ],
  ["a head that is too large", enhanceYourCalm, head(1, [...POST, ...LARGE], WHOLE)],
];

for (const [name, code, ...parts] of RESETS) {
  Deno.test(`a stream is reset with the right code on ${name}, and the connection lives on`, () => {
    using client = MemoryClient.greeted();
    client.send(...parts);
    assert.deepEqual(client.resets, [[1, code]]);
    assert.deepEqual(client.goaways, []);
    client.send(whole(3));
    assert.equal(client.bodyOf(3), "hello");
  });
}

Deno.test("a host that says again what :authority says is no fault", () => {
  using client = MemoryClient.greeted();
  client.send(head(1, [...POST, [":authority", "A:1"], ["host", "a:1"], ["host", "a:1"]], WHOLE));
  client.send(head(3, [...POST, ["host", "a:1"]], WHOLE));
  client.send(head(5, [...POST, [":authority", "a"], ["host", "a:80"]], WHOLE));
  client.send(head(7, [...POST, [":authority", "[::1]:80"], ["host", "[::1]"]], WHOLE));
  const shouted: typeof POST = [[":method", "POST"], [":scheme", "HTTP"], [":path", "/"]];
  client.send(head(9, [...shouted, [":authority", "a"], ["host", "a:80"]], WHOLE));
  const closed = [1, 3, 5, 7, 9].map((stream) => [stream, 0]);
  assert.deepEqual([client.resets, client.sink.closed], [[], closed]);
  client.send(head(11, [...POST, [":authority", "a"], ["host", "a:443"]], WHOLE));
  assert.deepEqual(client.resets, [[11, protocolError]]);
});

Deno.test("te may say trailers in capitals", () => {
  using client = MemoryClient.greeted();
  client.send(head(1, [...POST, ["te", "Trailers"]], WHOLE));
  assert.deepEqual([client.resets, client.sink.closed], [[], [[1, 0]]]);
});

Deno.test("frames that come late on a stream that was reset here are passed over", () => {
  using client = MemoryClient.greeted();
  client.send(
    openStream(1),
    windowUpdate(1, 0),
    data(1, Buffer.from("late")),
    head(1, [["x", "1"]], WHOLE),
  );
  assert.deepEqual(client.resets, [[1, protocolError]]);
  client.send(whole(3));
  assert.equal(client.bodyOf(3), "hello");
});

Deno.test("frames on a stream that the client has reset are answered with STREAM_CLOSED", () => {
  using client = MemoryClient.greeted();
  client.send(openStream(1), frame(TYPE.reset, 0, 1, uint32(8)), data(1, EMPTY), whole(1));
  assert.deepEqual(client.resets, [[1, streamClosed]]);
  assert.deepEqual(client.sink.closed, [[1, 8]]);
});

Deno.test("streams over the limit are refused to a client not yet told, and cost another its connection", () => {
  const opened = [1, 3, 5, 7, 9].map((stream) => openStream(stream));
  using unknowing = new MemoryClient();
  unknowing.send(hello(), ...opened);
  assert.deepEqual(unknowing.resets, [[9, refusedStream]]);
  using told = MemoryClient.greeted();
  told.send(...opened);
  assert.deepEqual(told.goaways, [protocolError]);
  assert.deepEqual(told.sink.closed.map(([stream]) => stream), [1, 3, 5, 7]);
});
