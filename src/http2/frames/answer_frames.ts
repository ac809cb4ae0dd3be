// SPDX-License-Identifier: Apache-2.0

import { FRAME_HEAD_BYTES } from "./frame_type.ts";
import { FrameWriter } from "./frame_writer.ts";

/** What an answer consists of. */
export interface AnswerParts {
  /** The head as a header block. It fits into a frame, as the trailers do. */
  readonly head: Uint8Array;
  /** Length of the body in bytes. It fits into a frame. */
  readonly bodyBytes: number;
  /** The trailers as a header block, if there are any. */
  readonly trailers?: Uint8Array;
}

/** Every peer takes frames of this payload (RFC 9113, 4.2). */
const MAX_PAYLOAD_BYTES = 16_384;

/** Where a frame has the number of its stream. */
const ID_OFFSET = 5;

/**
 * The frames of a whole answer, made once and sent often: only the body, which whoever answers writes to `bytes` from
 * `bodyStart` on, and the number of the stream differ. It belongs to whoever answers until it is copied.
 */
export class AnswerFrames {
  /** The frames, one behind the other. */
  readonly bytes: Uint8Array;
  /** Where the body begins. */
  readonly bodyStart: number;
  /** Length of the body in bytes. */
  readonly bodyBytes: number;
  readonly #trailersAt: number;

  /** Makes the frames, with zeros for a body. */
  constructor({ head, bodyBytes, trailers }: AnswerParts) {
    const frames = new FrameWriter();
    const maxPayloadBytes = MAX_PAYLOAD_BYTES;
    const body = new Uint8Array(bodyBytes);
    frames.headers(0, head, { endStream: false, maxPayloadBytes });
    this.bodyStart = frames.length + FRAME_HEAD_BYTES;
    frames.data(0, body, { start: 0, end: bodyBytes, endStream: trailers === undefined });
    this.#trailersAt = trailers === undefined ? 0 : frames.length;
    if (trailers !== undefined) frames.headers(0, trailers, { endStream: true, maxPayloadBytes });
    this.bytes = frames.take().slice();
    this.bodyBytes = bodyBytes;
  }

  /** Makes them the answer on a stream. */
  address(streamId: number): void {
    const { bytes, bodyStart } = this;
    writeId(bytes, 0, streamId);
    writeId(bytes, bodyStart - FRAME_HEAD_BYTES, streamId);
    if (this.#trailersAt > 0) writeId(bytes, this.#trailersAt, streamId);
  }
}

function writeId(bytes: Uint8Array, frameAt: number, streamId: number): void {
  const at = frameAt + ID_OFFSET;
  bytes[at] = streamId >>> 24;
  bytes[at + 1] = streamId >>> 16;
  bytes[at + 2] = streamId >>> 8;
  bytes[at + 3] = streamId;
}
