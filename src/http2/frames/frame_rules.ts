// SPDX-License-Identifier: Apache-2.0

import { ConnectionFault, ERROR_CODE } from "../error_code.ts";
import type { Frame } from "./frame_reader.ts";
import { FLAG, FRAME_TYPE } from "./frame_type.ts";

/** Whether a type belongs to a stream, to the connection, or to either of them. */
const PLACE: Readonly<Record<number, "stream" | "connection">> = {
  [FRAME_TYPE.data]: "stream",
  [FRAME_TYPE.headers]: "stream",
  [FRAME_TYPE.priority]: "stream",
  [FRAME_TYPE.rstStream]: "stream",
  [FRAME_TYPE.settings]: "connection",
  [FRAME_TYPE.pushPromise]: "stream",
  [FRAME_TYPE.ping]: "connection",
  [FRAME_TYPE.goaway]: "connection",
  [FRAME_TYPE.continuation]: "stream",
};

/**
 * Checks what a frame shows by itself: whether it stands where its type belongs, and its length. A PRIORITY
 * frame of a wrong length ends only its stream, and is left to the one who knows the streams.
 *
 * @throws {ConnectionFault} PROTOCOL_ERROR or FRAME_SIZE_ERROR (RFC 9113, 6)
 */
export function checkFrame(frame: Frame): void {
  const { type, streamId } = frame;
  const place = PLACE[type];
  if (place !== undefined && (place === "connection") !== (streamId === 0)) {
    const text = `a frame of type ${type} on stream ${streamId}`;
    throw new ConnectionFault(ERROR_CODE.protocolError, text);
  }
  if (!hasRightLength(frame)) {
    const text = `a frame of type ${type} with ${frame.end - frame.start} bytes`;
    throw new ConnectionFault(ERROR_CODE.frameSizeError, text);
  }
}

function hasRightLength(frame: Frame): boolean {
  const length = frame.end - frame.start;
  switch (frame.type) {
    case FRAME_TYPE.rstStream:
    case FRAME_TYPE.windowUpdate:
      return length === 4;
    case FRAME_TYPE.settings:
      return (frame.flags & FLAG.ack) === 0 ? length % 6 === 0 : length === 0;
    case FRAME_TYPE.ping:
      return length === 8;
    case FRAME_TYPE.goaway:
      return length >= 8;
    default:
      return true;
  }
}

/** The part of a payload that is neither padding nor the length of it: from `start` to `end`. */
export interface Span {
  /** Where it begins. */
  start: number;
  /** Where it ends. */
  end: number;
}

/**
 * Finds what a DATA or HEADERS frame carries.
 *
 * @param span filled with the place, so that no object is made per frame
 * @throws {ConnectionFault} if the padding, or the priority before a header block, does not fit (RFC 9113, 6.1, 6.2)
 */
export function unpad(frame: Frame, span: Span): void {
  const { type, flags, bytes } = frame;
  let { start, end } = frame;
  if ((flags & FLAG.padded) !== 0) {
    if (start === end) throw tooShort("no room for the length of its padding");
    end -= bytes[start] as number;
    start += 1;
  }
  if (type === FRAME_TYPE.headers && (flags & FLAG.priority) !== 0) start += 5;
  if (start > end) {
    const isPadding = (flags & FLAG.padded) !== 0;
    if (!isPadding) throw tooShort("no room for its priority");
    throw new ConnectionFault(ERROR_CODE.protocolError, "a frame with more padding than payload");
  }
  span.start = start;
  span.end = end;
}

function tooShort(what: string): ConnectionFault {
  return new ConnectionFault(ERROR_CODE.frameSizeError, `a frame with ${what}`);
}
