// SPDX-License-Identifier: Apache-2.0

import type { AnswerFrames } from "./frames/answer_frames.ts";
import type { Frame } from "./frames/frame_reader.ts";
import { FLAG } from "./frames/frame_type.ts";
import type { Output } from "./output.ts";
import { ReceiveWindow } from "./receive_window.ts";
import type { RequestHead } from "./request_head.ts";
import type { Sender, SendQueue } from "./send_queue.ts";
import { DEFAULT_WINDOW_BYTES } from "./settings.ts";

/**
 * Takes what comes on a stream. One sink may serve many streams, so that a request need not cost an object of its
 * own. None of the methods may throw.
 */
export interface StreamSink {
  /**
   * A part of the body: `bytes` from `start` to `end`, which are lent for the time of the call. `consume` must be called
   * for them, now or later.
   */
  onData(stream: Stream, bytes: Uint8Array, span: ByteSpan): void;

  /** The body is complete. */
  onEnd(stream: Stream): void;

  /** All that was given to `send` is on its way. Called only after some of it had to wait. */
  onWritable(stream: Stream): void;

  /**
   * The stream is over; nothing else is called after this.
   *
   * @param code why; 0 after a whole answer
   */
  onClosed(stream: Stream, code: number): void;
}

/** A part of some bytes. */
export interface ByteSpan {
  /** Where it begins. */
  readonly start: number;
  /** Where it ends. */
  readonly end: number;
}

/** What a stream needs of its connection. */
export interface StreamHost {
  /** Where frames are written. */
  readonly output: Output;
  /** The bodies that wait for the peer. */
  readonly sending: SendQueue;
  /** Largest payload that the peer takes, in bytes. */
  readonly maxPayloadBytes: number;
  /** The bytes were consumed: the connection owes the peer credit for them. */
  release(bytes: number): void;
  /** The answer is whole, and the request is not. */
  answeredEarly(stream: Stream): void;
  /** The stream is over, and goes out of the books before its sink is told. */
  forget(stream: Stream): void;
  /** Sends RST_STREAM, and remembers that frames of the stream may still be on their way. */
  sendReset(streamId: number, code: number): void;
}

/** What a stream has come to, in the bits of a number: a request costs no more memory than it must. */
const STATE = {
  /** The request is here to its end. */
  received: 1,
  /** The head of the answer has been sent. */
  begun: 2,
  /** The whole answer has been sent. */
  sent: 4,
  /** The stream is over. */
  over: 8,
} as const;

/** Body that waits for the peer, and what ends the stream behind it. Most streams never have any. */
interface Unsent {
  readonly parts: Uint8Array[];
  trailers: Uint8Array | undefined;
  endsBehind: boolean;
}

const NO_SINK: StreamSink = { onData() {}, onEnd() {}, onWritable() {}, onClosed() {} };

/** A request and its answer. Methods that send do nothing once the stream is over. */
export class Stream implements Sender {
  /** The number of the stream. */
  readonly id: number;
  /** The head of the request. */
  readonly head: RequestHead;
  /** Takes the rest of the request. Must be set while the request is announced. */
  sink: StreamSink = NO_SINK;
  /** For the sink: what it has found out about this request. */
  mark = 0;
  /** What the peer takes on this stream, in bytes; below 0 if it has lowered its settings. */
  sendWindowBytes = DEFAULT_WINDOW_BYTES;
  readonly #host: StreamHost;
  /** Made with the first DATA that is not the last: most bodies come in one frame, which any window allows. */
  #receiveWindow: ReceiveWindow | undefined;
  #receivedBytes = 0;
  /** Received and not yet consumed. */
  #heldBytes = 0;
  /** Bits of `STATE`. */
  #state = 0;
  #unsent: Unsent | undefined;

  /** Makes an open stream. */
  constructor(id: number, head: RequestHead, host: StreamHost) {
    this.id = id;
    this.head = head;
    this.#host = host;
  }

  /** Whether the request is here to its end. */
  get isReceived(): boolean {
    return (this.#state & STATE.received) !== 0;
  }

  /** Whether the head of the answer has been sent. */
  get hasBegun(): boolean {
    return (this.#state & STATE.begun) !== 0;
  }

  /** Whether the whole answer has been sent. */
  get isSent(): boolean {
    return (this.#state & STATE.sent) !== 0;
  }

  /** Whether the stream is over, in whatever way. */
  get isOver(): boolean {
    return (this.#state & STATE.over) !== 0;
  }

  /** Whether some of what was sent waits for the peer. */
  get isWaiting(): boolean {
    return this.#unsent !== undefined && this.#unsent.parts.length > 0;
  }

  /** How many bytes the next part of the body has. */
  get nextBytes(): number {
    return this.#unsent?.parts[0]?.length ?? 0;
  }

  /** Sends an interim head (RFC 9110, 15.2), which says nothing about the answer. */
  inform(block: Uint8Array): void {
    if ((this.#state & (STATE.over | STATE.begun)) !== 0) return;
    const { output, maxPayloadBytes } = this.#host;
    output.headers(this.id, block, { endStream: false, maxPayloadBytes });
    output.schedule();
  }

  /** Sends the head of the answer: a header block as `encodeBlock` writes it. */
  respond(block: Uint8Array, endStream: boolean): void {
    if ((this.#state & (STATE.over | STATE.begun)) !== 0) return;
    this.#state |= STATE.begun;
    this.#writeBlock(block, endStream);
  }

  /** Whether an answer with so many bytes of body can be sent whole and at once. */
  canAnswer(bytes: number): boolean {
    if ((this.#state & (STATE.over | STATE.begun)) !== 0) return false;
    if (this.sendWindowBytes < bytes) return false;
    return this.#host.sending.canSend(bytes);
  }

  /**
   * Sends a whole answer, for which `canAnswer` has been asked, as a copy. The stream is over then if its request is.
   */
  answer(frames: AnswerFrames): void {
    const { output, sending } = this.#host;
    this.#state |= STATE.begun;
    frames.address(this.id);
    output.answer(frames.bytes);
    sending.spend(frames.bodyBytes);
    output.schedule();
    this.#onSent();
  }

  /** Sends a part of the body, which nobody changes afterwards. If `isWaiting` then, wait for `onWritable`. */
  send(bytes: Uint8Array, endStream: boolean): void {
    if (this.isOver || this.#unsent?.endsBehind) return;
    const unsent = this.#unsent ??= { parts: [], trailers: undefined, endsBehind: false };
    unsent.endsBehind = endStream;
    if (unsent.parts.push(bytes) > 1) return;
    this.#host.sending.offer(this);
  }

  /** Sends the trailers, as a header block, behind the body. The stream is over then. */
  sendTrailers(block: Uint8Array): void {
    const unsent = this.#unsent;
    if (this.isOver || unsent?.endsBehind) return;
    if (unsent === undefined || unsent.parts.length === 0) return this.#writeBlock(block, true);
    unsent.endsBehind = true;
    unsent.trailers = block;
  }

  /** Ends the stream with RST_STREAM. */
  reset(code: number): void {
    if (this.isOver) return;
    this.#host.sendReset(this.id, code);
    this.close(code);
  }

  /** The sink is done with so many bytes of the body. */
  consume(bytes: number): void {
    if (this.isOver) return;
    this.#heldBytes -= bytes;
    this.#host.release(bytes);
    if (this.isReceived) return;
    const credit = this.#receiveWindow?.release(bytes) ?? 0;
    if (credit === 0) return;
    this.#host.output.frames.windowUpdate(this.id, credit);
    this.#host.output.schedule();
  }

  /**
   * Takes a DATA frame, of which `span` is what is left without padding. For the connection.
   *
   * @returns false if it is more than the window allows
   */
  receive({ flags, bytes, start, end }: Frame, span: ByteSpan): boolean {
    const frameBytes = end - start;
    if ((flags & FLAG.endStream) === 0) {
      this.#receiveWindow ??= new ReceiveWindow(DEFAULT_WINDOW_BYTES);
    }
    if (this.#receiveWindow?.take(frameBytes) === false) return false;
    const dataBytes = span.end - span.start;
    this.#receivedBytes += dataBytes;
    this.#heldBytes += frameBytes;
    if (frameBytes > dataBytes) this.consume(frameBytes - dataBytes);
    if (dataBytes > 0) this.sink.onData(this, bytes, span);
    return true;
  }

  /** Whether more of the body has come than was announced, or at its end less. For the connection. */
  hasWrongLength(isEnd: boolean): boolean {
    const { contentLength } = this.head;
    if (contentLength === undefined) return false;
    return isEnd ? this.#receivedBytes !== contentLength : this.#receivedBytes > contentLength;
  }

  /** The request has come to its end. For the connection. */
  receiveEnd(): void {
    this.#state |= STATE.received;
    if (!this.isOver) this.sink.onEnd(this);
    if (this.isSent) this.close(0);
  }

  /** The stream is over: the sink is told, and what it still holds is given back. For the connection. */
  close(code: number): void {
    if (this.isOver) return;
    this.#state |= STATE.over;
    this.#unsent = undefined;
    this.#host.release(this.#heldBytes);
    this.#host.forget(this);
    this.sink.onClosed(this, code);
  }

  /**
   * Writes one frame of the body, of at most so many bytes. For the queue.
   *
   * @returns how many bytes it has
   */
  sendSome(maxBytes: number): number {
    const unsent = this.#unsent;
    const next = unsent?.parts[0];
    if (unsent === undefined || next === undefined) return 0;
    const bytes = Math.min(maxBytes, next.length, this.#host.maxPayloadBytes);
    const isWhole = bytes === next.length;
    const isLast = isWhole && unsent.parts.length === 1;
    const endStream = isLast && unsent.endsBehind && unsent.trailers === undefined;
    this.#host.output.frames.data(this.id, next, { start: 0, end: bytes, endStream });
    this.sendWindowBytes -= bytes;
    if (isWhole) unsent.parts.shift();
    else unsent.parts[0] = next.subarray(bytes);
    if (isLast) this.#onAllSent(unsent, endStream);
    return bytes;
  }

  /** Tells the sink. For the queue. */
  onWritable(): void {
    if (!this.isOver) this.sink.onWritable(this);
  }

  #onAllSent(unsent: Unsent, hasEnded: boolean): void {
    const { trailers } = unsent;
    unsent.trailers = undefined;
    if (trailers !== undefined) this.#writeBlock(trailers, true);
    else if (hasEnded) this.#onSent();
  }

  #writeBlock(block: Uint8Array, endStream: boolean): void {
    const { output, maxPayloadBytes } = this.#host;
    output.headers(this.id, block, { endStream, maxPayloadBytes });
    output.schedule();
    if (endStream) this.#onSent();
  }

  /**
   * A request may still be on its way when its answer is whole. Some clients, such as `node:http2` of Deno, wait for ever if
   * they are told by RST_STREAM that nobody wants the rest; others, such as gRPC in Go, keep the rest to themselves and say
   * nothing. So the stream stays until the sink has enough of it, or its room is needed.
   */
  #onSent(): void {
    this.#state |= STATE.sent;
    if (this.isReceived) this.close(0);
    else this.#host.answeredEarly(this);
  }
}
