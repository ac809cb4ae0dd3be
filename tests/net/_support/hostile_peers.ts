// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import {
  cancel,
  data,
  field,
  FLAG,
  frame,
  hello,
  initialWindow,
  openStream,
  settingsAck,
  TYPE,
  uint32,
  windowUpdate,
} from "./h2_frames.ts";

const GET_TS = "/tsoracle.v1.TsoService/GetTs";
const GRPC: [string, string][] = [["content-type", "application/grpc"]];
const CALL = Buffer.from("00000000020801", "hex");
const EMPTY = Buffer.alloc(0);
/** More than any budget. */
const MANY = 2_000;

/** Opens a call of GetTs, whose body is still to come. */
export function openCall(i: number): Buffer {
  return openStream(2 * i + 1, GET_TS, GRPC);
}

/** A whole call of GetTs. */
export function wholeCall(i: number): Buffer {
  return Buffer.concat([openCall(i), data(2 * i + 1, CALL, true)]);
}

/** A whole call of GetTs that nobody wants any more. */
function resetCall(i: number): Buffer {
  return Buffer.concat([wholeCall(i), cancel(2 * i + 1)]);
}

/** A message of so many bytes for the first call, in frames of one byte. */
export function crumbs(bytes: number): Buffer {
  const prefix = Buffer.concat([Buffer.alloc(1), uint32(bytes)]);
  return Buffer.concat([
    data(1, prefix),
    flood(() => data(1, Buffer.from("x")), bytes),
    data(1, EMPTY, true),
  ]);
}

/** A head whose 16 KB unpack to 2.5 MB. */
export function packedHead(i: number): Buffer {
  const plain = openCall(i).subarray(9);
  const stored = Buffer.concat([Buffer.from([0x40]), field("x", "a".repeat(126)).subarray(1)]);
  const block = Buffer.concat([plain, stored, Buffer.alloc(16_000, 0xbe)]);
  return frame(TYPE.headers, FLAG.endHeaders, 2 * i + 1, block);
}

/** Attacks by frames that are of no use, each of which ends its connection with ENHANCE_YOUR_CALM. */
export const FLOODS: readonly (readonly [string, () => Buffer])[] = [
  ["rapid reset", () => flood((i) => Buffer.concat([openCall(i), cancel(2 * i + 1)]))],
  [
    "rapid reset of whole calls",
    () => Buffer.concat([initialWindow(0), flood(resetCall)]),
  ],
  [
    "streams that make the server reset",
    () => flood((i) => Buffer.concat([openCall(i), windowUpdate(2 * i + 1, 0)])),
  ],
  ["CONTINUATION without an end", () => continued(frame(TYPE.continuation, 0, 1, EMPTY))],
  [
    "CONTINUATION of a large head",
    () => continued(frame(TYPE.continuation, 0, 1, Buffer.alloc(1_000))),
  ],
  ["HPACK bombs", () => flood(packedHead, 1_200)],
  ["SETTINGS", () => flood(() => initialWindow(65_535))],
  ["PING", () => flood(() => frame(TYPE.ping, 0, 0, Buffer.alloc(8)))],
  ["PRIORITY", () => flood(() => frame(2, 0, 1, Buffer.alloc(5)))],
  ["WINDOW_UPDATE", () => flood(() => windowUpdate(0, 1))],
  ["empty DATA", () => Buffer.concat([openCall(0), flood(() => data(1, EMPTY))])],
];

/** Connections that do little and hold what they can: on none of them anything is said about an end. */
export const HOLDERS: readonly (readonly [string, () => Buffer])[] = [
  ["nothing but a preface", () => Buffer.concat([hello(), settingsAck()])],
  [
    "a window of 0",
    () => Buffer.concat([hello(), settingsAck(), initialWindow(0), calls(wholeCall)]),
  ],
  [
    "a window of 1",
    () => Buffer.concat([hello(), settingsAck(), initialWindow(1), calls(wholeCall)]),
  ],
  ["bodies that do not come", () => Buffer.concat([hello(), settingsAck(), calls(openCall)])],
  ["bodies of which half has come", () =>
    Buffer.concat([
      ...[hello(), settingsAck()],
      calls((i) => Buffer.concat([openCall(i), data(2 * i + 1, CALL.subarray(0, 5))])),
    ])],
  ["a frame of which half has come", () => Buffer.concat([hello(), openCall(0).subarray(0, 30)])],
];

function calls(step: (i: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: 200 }, (_, i) => step(i)));
}

function flood(step: (i: number) => Buffer, times = MANY): Buffer {
  return Buffer.concat(Array.from({ length: times }, (_, i) => step(i)));
}

function continued(part: Buffer): Buffer {
  return Buffer.concat([openCall(0).fill(0, 4, 5), flood(() => part, 100)]);
}
