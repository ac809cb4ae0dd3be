// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { Buffer } from "node:buffer";
import { DEFAULT_WINDOW_BYTES } from "../../../src/http2/settings.ts";
import { FLAG, framesOf, TYPE } from "../../net/_support/h2_frames.ts";
import type { Frame } from "../../net/_support/h2_frames.ts";

const WINDOW_UPDATE = 8;

interface StreamView {
  windowBytes: number;
  hasHead: boolean;
  isEnded: boolean;
  isReset: boolean;
}

/**
 * What a client has allowed a server to send, and whether the server keeps to it (RFC 9113, 5.1 and 6.9): whole frames,
 * blocks in one piece, nothing on streams that are idle or have ended, and no more than the windows.
 */
export class StrictView {
  readonly #streams = new Map<number, StreamView>();
  #windowBytes = DEFAULT_WINDOW_BYTES;
  #initialBytes = DEFAULT_WINDOW_BYTES;
  /** The stream of a header block whose end is still to come, and whether the stream ends with it. */
  #block: { readonly stream: number; readonly isEnd: boolean } | undefined;

  /** The client opens a stream. */
  open(id: number): void {
    const windowBytes = this.#initialBytes;
    this.#streams.set(id, { windowBytes, hasHead: false, isEnded: false, isReset: false });
  }

  /** The client gives credit, to the connection if the stream is 0. */
  credit(id: number, bytes: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) this.#windowBytes += bytes;
    else stream.windowBytes += bytes;
  }

  /** The client changes the window of its streams. */
  resize(bytes: number): void {
    for (const stream of this.#streams.values()) stream.windowBytes += bytes - this.#initialBytes;
    this.#initialBytes = bytes;
  }

  /** Checks what the server has written. */
  check(written: Buffer): void {
    let bytes = 0;
    for (const frame of framesOf(written)) {
      bytes += 9 + frame.payload.length;
      this.#checkFrame(frame);
    }
    assert.equal(bytes, written.length, "half a frame");
  }

  #checkFrame(frame: Frame): void {
    assert(frame.payload.length <= 16_384, "a frame that is too large");
    assert.equal(frame.type === TYPE.continuation, this.#block !== undefined, "a block in pieces");
    if (frame.stream === 0) return;
    const stream = this.#streams.get(frame.stream);
    assert(stream !== undefined, "a frame on an idle stream");
    assert(!stream.isReset, "a frame behind RST_STREAM");
    if (frame.type === TYPE.reset) stream.isReset = true;
    else if (frame.type === TYPE.data) this.#checkData(frame, stream);
    else if (frame.type !== WINDOW_UPDATE) this.#checkBlock(frame, stream);
  }

  #checkData({ payload, flags }: Frame, stream: StreamView): void {
    assert(stream.hasHead && !stream.isEnded, "a body without a head, or behind the end");
    if (payload.length > 0) {
      this.#windowBytes -= payload.length;
      stream.windowBytes -= payload.length;
      assert(this.#windowBytes >= 0 && stream.windowBytes >= 0, "more than a window");
    }
    if ((flags & FLAG.endStream) !== 0) stream.isEnded = true;
  }

  #checkBlock({ type, flags, stream: id }: Frame, stream: StreamView): void {
    assert.equal(this.#block?.stream ?? id, id, "a block in pieces");
    assert(!stream.isEnded, "a block behind the end");
    const isEnd = this.#block?.isEnd ?? (flags & FLAG.endStream) !== 0;
    const isWhole = (flags & FLAG.endHeaders) !== 0;
    stream.hasHead ||= type === TYPE.headers;
    stream.isEnded = isWhole && isEnd;
    this.#block = isWhole ? undefined : { stream: id, isEnd };
  }
}
