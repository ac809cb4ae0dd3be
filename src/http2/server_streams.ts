// SPDX-License-Identifier: Apache-2.0

import type { Block } from "./block_frames.ts";
import { BlockFrames } from "./block_frames.ts";
import type { ConnectionParts, StreamLayer } from "./connection_parts.ts";
import { spend } from "./connection_parts.ts";
import { ConnectionFault, ERROR_CODE } from "./error_code.ts";
import type { Frame } from "./frames/frame_reader.ts";
import { readUint31, readUint32 } from "./frames/frame_reader.ts";
import { unpad } from "./frames/frame_rules.ts";
import { FLAG, FRAME_TYPE } from "./frames/frame_type.ts";
import { HeadReader } from "./head_reader.ts";
import { HeaderBlocks } from "./header_blocks.ts";
import type { NuisanceBudget } from "./nuisance_budget.ts";
import type { Output } from "./output.ts";
import { ReceiveWindow } from "./receive_window.ts";
import type { HeadReading, RequestHead } from "./request_head.ts";
import { trailersFault } from "./request_head.ts";
import type { SendQueue } from "./send_queue.ts";
import type { PeerSettings } from "./settings.ts";
import { DEFAULT_WINDOW_BYTES, MAX_WINDOW_BYTES } from "./settings.ts";
import { Stream } from "./stream.ts";
import type { StreamHost } from "./stream.ts";
import { StreamBook } from "./stream_book.ts";

/** Takes requests. */
export interface RequestTaker {
  /** Takes one whose head is here, and gives the stream its sink before it returns. */
  onRequest(stream: Stream): void;
}

/** Finds who takes requests with a head. It is not asked again for each equal head. */
export type Router = (head: RequestHead) => RequestTaker;

/** What a client may cost. */
export interface StreamLimits {
  /** Open streams. One more is refused, or ends the connection if the client was told. */
  readonly streams: number;
  /** Largest head of a request, as counted by SETTINGS_MAX_HEADER_LIST_SIZE, in bytes. */
  readonly headerBytes: number;
}

/** What is left of a DATA frame without its padding: lent, and one for all connections, so that it is never cold. */
const span = { start: 0, end: 0 };

/** The streams of a server: opened by the client, one request each. */
export class ServerStreams implements StreamLayer, StreamHost {
  readonly output: Output;
  readonly sending: SendQueue;
  readonly #peer: PeerSettings;
  /** What the peer takes on a stream that begins, in bytes: kept here, as a request looks at nothing else of `#peer`. */
  #streamWindowBytes = DEFAULT_WINDOW_BYTES;
  readonly #budget: NuisanceBudget;
  readonly #limits: StreamLimits;
  readonly #onEmpty: () => void;
  readonly #book = new StreamBook();
  readonly #blockFrames: BlockFrames;
  readonly #blocks: HeaderBlocks<HeadReading<RequestTaker>>;
  readonly #window = new ReceiveWindow(DEFAULT_WINDOW_BYTES);
  #isLimitKnown = false;
  #isClosed = false;

  /** Makes the streams of a connection, none of them open. */
  constructor(parts: ConnectionParts, options: ServerStreamsOptions) {
    this.output = parts.output;
    this.sending = parts.sending;
    this.#peer = parts.peer;
    this.#budget = parts.budget;
    this.#limits = options.limits;
    this.#onEmpty = options.onEmpty;
    const { limits, route } = options;
    const heads = new HeadReader(route);
    this.#blockFrames = new BlockFrames(parts, limits.headerBytes);
    this.#blocks = new HeaderBlocks(limits.headerBytes, (list) => heads.read(list));
  }

  get size(): number {
    return this.#book.size;
  }

  get lastPeerId(): number {
    return this.#book.lastId;
  }

  get peerStreams(): number {
    return this.#book.used;
  }

  get isPeerOpening(): boolean {
    return true;
  }

  get maxPayloadBytes(): number {
    return this.#peer.maxPayloadBytes;
  }

  awaits(frame: Frame): boolean {
    return this.#blockFrames.awaits(frame);
  }

  onFrame(frame: Frame): void {
    switch (frame.type) {
      case FRAME_TYPE.data:
        return this.#onData(frame);
      case FRAME_TYPE.headers:
        return this.#onHeaders(frame);
      case FRAME_TYPE.continuation:
        return this.#onBlock(this.#blockFrames.onContinuation(frame));
      case FRAME_TYPE.rstStream:
        return this.#onReset(frame);
      case FRAME_TYPE.windowUpdate:
        return this.#onWindowUpdate(frame);
      case FRAME_TYPE.priority:
        return this.#onPriority(frame);
      default:
        throw protocolFault("PUSH_PROMISE from a client");
    }
  }

  onPeerSettings(windowBytes: number): void {
    this.#streamWindowBytes += windowBytes;
    for (const stream of this.#book.all()) {
      stream.sendWindowBytes += windowBytes;
      if (stream.sendWindowBytes <= MAX_WINDOW_BYTES) continue;
      throw new ConnectionFault(ERROR_CODE.flowControlError, "a window that is too large");
    }
    if (windowBytes > 0) this.sending.resume();
  }

  /** A server opens no streams. */
  onGoaway(): void {}

  onSettingsKnown(): void {
    this.#isLimitKnown = true;
  }

  refuseNew(): void {
    this.#isClosed = true;
  }

  letGo(): void {
    for (const stream of this.#book.all()) {
      if (stream.isSent) stream.reset(ERROR_CODE.noError);
    }
  }

  closeAll(code: number): void {
    this.#isClosed = true;
    this.#blockFrames.close();
    for (const stream of this.#book.all()) stream.close(code);
  }

  answeredEarly(stream: Stream): void {
    if (this.#isClosed) stream.reset(ERROR_CODE.noError);
  }

  release(bytes: number): void {
    const credit = this.#window.release(bytes);
    if (credit === 0) return;
    this.output.frames.windowUpdate(0, credit);
    this.output.schedule();
  }

  forget(stream: Stream): void {
    if (stream.isSent) this.#budget.earn();
    this.#book.remove(stream.id);
    this.sending.drop(stream);
    if (this.#isClosed && this.#book.size === 0) this.#onEmpty();
  }

  sendReset(streamId: number, code: number): void {
    this.#book.noteReset(streamId);
    this.output.frames.rstStream(streamId, code);
    this.output.schedule();
  }

  /** A fault of the peer that ends only the stream (RFC 9113, 5.4.2). */
  #refuse(streamId: number, code: number): void {
    spend(this.#budget);
    const stream = this.#book.get(streamId);
    if (stream === undefined) this.sendReset(streamId, code);
    else stream.reset(code);
  }

  #onData(frame: Frame): void {
    const { streamId, flags } = frame;
    const frameBytes = frame.end - frame.start;
    if (!this.#window.take(frameBytes)) {
      throw new ConnectionFault(
        ERROR_CODE.flowControlError,
        "more than the window of the connection",
      );
    }
    unpad(frame, span);
    const stream = this.#book.get(streamId);
    if (stream === undefined || stream.isReceived) {
      this.release(frameBytes);
      return this.#onLateFrame(streamId);
    }
    const isEnd = (flags & FLAG.endStream) !== 0;
    if (span.start === span.end && !isEnd) spend(this.#budget);
    if (!stream.receive(frame, span)) {
      this.release(frameBytes);
      this.#refuse(streamId, ERROR_CODE.flowControlError);
    } else if (stream.hasWrongLength(isEnd)) {
      this.#refuse(streamId, ERROR_CODE.protocolError);
    } else if (isEnd) {
      stream.receiveEnd();
    }
  }

  #onHeaders(frame: Frame): void {
    if (frame.streamId % 2 === 0) throw protocolFault("an even stream from a client");
    this.#onBlock(this.#blockFrames.onHeaders(frame));
  }

  #onBlock(block: Block | undefined): void {
    if (block === undefined) return;
    const { streamId } = block;
    if (this.#book.isIdle(streamId)) return this.#onRequestHead(block);
    const stream = this.#book.get(streamId);
    if (stream !== undefined) return this.#onTrailers(stream, block);
    this.#blocks.readFields(block);
    this.#onLateFrame(streamId);
  }

  #onRequestHead(block: Block): void {
    const { streamId, isSelfDependent, endStream } = block;
    const reading = this.#blocks.read(block);
    if (this.#isClosed) return spend(this.#budget);
    this.#book.use(streamId);
    if (this.#book.size >= this.#limits.streams) this.letGo();
    if (this.#book.size >= this.#limits.streams) return this.#onTooMany(streamId);
    if (reading.kind === "too large") return this.#refuse(streamId, ERROR_CODE.enhanceYourCalm);
    if (reading.kind === "malformed" || isSelfDependent) {
      return this.#refuse(streamId, ERROR_CODE.protocolError);
    }
    const { head, taker } = reading;
    if (endStream && (head.contentLength ?? 0) > 0) {
      return this.#refuse(streamId, ERROR_CODE.protocolError);
    }
    const stream = new Stream(streamId, head, this);
    stream.sendWindowBytes = this.#streamWindowBytes;
    this.#book.add(stream);
    taker.onRequest(stream);
    if (endStream) stream.receiveEnd();
  }

  #onTooMany(streamId: number): void {
    if (!this.#isLimitKnown) return this.#refuse(streamId, ERROR_CODE.refusedStream);
    throw protocolFault(`more than ${this.#limits.streams} open streams`);
  }

  #onTrailers(stream: Stream, block: Block): void {
    const fields = this.#blocks.readFields(block);
    if (stream.isReceived) return this.#refuse(stream.id, ERROR_CODE.streamClosed);
    if (fields === undefined) return this.#refuse(stream.id, ERROR_CODE.enhanceYourCalm);
    const isWrong = !block.endStream || block.isSelfDependent ||
      trailersFault(fields) !== undefined;
    if (isWrong || stream.hasWrongLength(true)) {
      return this.#refuse(stream.id, ERROR_CODE.protocolError);
    }
    stream.receiveEnd();
  }

  /** DATA or HEADERS where none may come any more (RFC 9113, 5.1). */
  #onLateFrame(streamId: number): void {
    if (this.#book.get(streamId) !== undefined) {
      return this.#refuse(streamId, ERROR_CODE.streamClosed);
    }
    if (this.#book.isIdle(streamId)) {
      // After a goodbye the streams that came too late count as never used.
      if (this.#isClosed) return spend(this.#budget);
      throw protocolFault(`a frame on the idle stream ${streamId}`);
    }
    spend(this.#budget);
    const end = this.#book.endOf(streamId);
    if (end === "reset by this side") return;
    if (end === "reset by the peer") return this.sendReset(streamId, ERROR_CODE.streamClosed);
    const code = end === "complete" ? ERROR_CODE.streamClosed : ERROR_CODE.protocolError;
    throw new ConnectionFault(code, `a frame on the closed stream ${streamId}`);
  }

  #onReset(frame: Frame): void {
    const { streamId } = frame;
    spend(this.#budget);
    if (this.#book.isIdle(streamId)) return this.#onIdle("RST_STREAM");
    this.#book.notePeerReset(streamId);
    this.#book.get(streamId)?.close(readUint32(frame.bytes, frame.start));
  }

  #onWindowUpdate(frame: Frame): void {
    const { streamId } = frame;
    const bytes = readUint31(frame.bytes, frame.start);
    const stream = this.#book.get(streamId);
    // Credit has been counted, but for none at all.
    if (stream === undefined && bytes === 0) spend(this.#budget);
    if (this.#book.isIdle(streamId)) return this.#onIdle("WINDOW_UPDATE");
    if (stream === undefined) return;
    if (bytes === 0) return this.#refuse(streamId, ERROR_CODE.protocolError);
    stream.sendWindowBytes += bytes;
    if (stream.sendWindowBytes > MAX_WINDOW_BYTES) {
      return this.#refuse(streamId, ERROR_CODE.flowControlError);
    }
    this.sending.resumeOne(stream);
  }

  /** Priorities are read and not acted on (RFC 9113, 5.3.2). */
  #onPriority(frame: Frame): void {
    spend(this.#budget);
    const { streamId, bytes, start, end } = frame;
    const { frameSizeError, protocolError } = ERROR_CODE;
    const code = end - start === 5 ? protocolError : frameSizeError;
    if (code === protocolError && readUint31(bytes, start) !== streamId) return;
    // A stream that is idle cannot be reset.
    if (this.#book.isIdle(streamId)) throw new ConnectionFault(code, "a PRIORITY that cannot be");
    this.#refuse(streamId, code);
  }

  #onIdle(what: string): void {
    if (!this.#isClosed) throw protocolFault(`${what} on an idle stream`);
  }
}

/** What a server does with its streams. */
export interface ServerStreamsOptions {
  /** What a client may cost. */
  readonly limits: StreamLimits;
  /** Finds who takes the requests. */
  readonly route: Router;
  /** Called whenever the last open stream is over and none is taken any more. */
  readonly onEmpty: () => void;
}

function protocolFault(text: string): ConnectionFault {
  return new ConnectionFault(ERROR_CODE.protocolError, text);
}
