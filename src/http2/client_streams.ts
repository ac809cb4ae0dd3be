// SPDX-License-Identifier: Apache-2.0

import type { Block } from "./block_frames.ts";
import { BlockFrames } from "./block_frames.ts";
import type { AnswerSink, ClientRequest, ClientStreamHost } from "./client_stream.ts";
import { ClientStream } from "./client_stream.ts";
import type { ConnectionParts, StreamLayer } from "./connection_parts.ts";
import { spend } from "./connection_parts.ts";
import { ConnectionFault, ERROR_CODE } from "./error_code.ts";
import type { Frame } from "./frames/frame_reader.ts";
import { readUint31, readUint32 } from "./frames/frame_reader.ts";
import { unpad } from "./frames/frame_rules.ts";
import { FLAG, FRAME_TYPE, MAX_STREAM_ID } from "./frames/frame_type.ts";
import { HeaderBlocks } from "./header_blocks.ts";
import type { Output } from "./output.ts";
import { ReceiveWindow } from "./receive_window.ts";
import { RequestBlocks } from "./request_blocks.ts";
import { readResponse } from "./response_head.ts";
import type { ResponseReading } from "./response_head.ts";
import { DEFAULT_WINDOW_BYTES, MAX_WINDOW_BYTES } from "./settings.ts";

/** The head, and the trailers or what else ends it. */
const BLOCKS_OF_ANSWER = 2;

/** What a client does with its streams. */
export interface ClientStreamsOptions {
  /** Largest head or trailers of an answer, as counted by SETTINGS_MAX_HEADER_LIST_SIZE, in bytes. */
  readonly headerBytes: number;
  /** The number of the first stream, odd; for tests. */
  readonly firstStreamId: number;
  /** The server has said its first word of HTTP/2. */
  readonly onGreeted: () => void;
  /** The first request has begun where there was none, or the last one has ended. */
  readonly onBusy: (isBusy: boolean) => void;
  /** The connection takes and brings nothing any more, with a code and a sentence on why, which may be empty. */
  readonly onOver: (code: number, text: string) => void;
  /** Called whenever the last open stream is over. */
  readonly onEmpty: () => void;
}

/**
 * The streams of a client, one request each. No more of them are open than the server takes: others wait for their turn.
 */
export class ClientStreams implements StreamLayer, ClientStreamHost {
  readonly #parts: ConnectionParts;
  readonly #options: ClientStreamsOptions;
  readonly #requests = new RequestBlocks();
  readonly #blockFrames: BlockFrames;
  readonly #answers: HeaderBlocks<ResponseReading>;
  readonly #window = new ReceiveWindow(DEFAULT_WINDOW_BYTES);
  readonly #span = { start: 0, end: 0 };
  readonly #open = new Map<number, ClientStream>();
  readonly #waiting = new Set<ClientStream>();
  #nextId: number;
  /** Header blocks, and bytes of bodies, that may be on their way for streams that this side has reset. */
  #lateBlocks = 0;
  #lateBytes = 0;
  #isGreeted = false;
  #isClosed = false;
  #isBusy = false;

  /** Makes the streams of a connection, none of them open. */
  constructor(parts: ConnectionParts, options: ClientStreamsOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#blockFrames = new BlockFrames(parts, options.headerBytes);
    this.#answers = new HeaderBlocks(options.headerBytes, readResponse);
    this.#nextId = options.firstStreamId;
  }

  get size(): number {
    return this.#open.size;
  }

  /** A server opens no streams. */
  get lastPeerId(): number {
    return 0;
  }

  get peerStreams(): number {
    return 0;
  }

  get isPeerOpening(): boolean {
    return false;
  }

  get output(): Output {
    return this.#parts.output;
  }

  get maxPayloadBytes(): number {
    return this.#parts.peer.maxPayloadBytes;
  }

  /** Whether a request can be sent, now or once it is its turn. */
  get canRequest(): boolean {
    return !this.#isClosed && this.#nextId <= MAX_STREAM_ID;
  }

  /** Sends a request, at once or when it is its turn. All requests of a turn go out with one write. */
  request(request: ClientRequest, sink: AnswerSink): ClientStream {
    const stream = new ClientStream(request, sink, this);
    if (!this.canRequest) {
      sink.onFailed(UNPROCESSED);
      return stream;
    }
    if (this.#waiting.size === 0 && this.#hasRoom) this.#start(stream);
    else this.#waiting.add(stream);
    this.#noteBusy();
    return stream;
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
        return spend(this.#parts.budget);
      default:
        throw protocolFault("PUSH_PROMISE, which was refused");
    }
  }

  onPeerSettings(windowBytes: number): void {
    for (const stream of this.#open.values()) {
      stream.sendWindowBytes += windowBytes;
      if (stream.sendWindowBytes <= MAX_WINDOW_BYTES) continue;
      throw new ConnectionFault(ERROR_CODE.flowControlError, "a window that is too large");
    }
    if (windowBytes > 0) this.#parts.sending.resume();
    if (!this.#isGreeted) {
      this.#isGreeted = true;
      this.#options.onGreeted();
    }
    this.#startWaiting();
  }

  /** The end of a stream makes room for one that waits, which must not begin any more. */
  onGoaway(lastId: number): void {
    this.refuseNew();
    for (const stream of [...this.#open.values()]) {
      if (stream.id > lastId) stream.fail(UNPROCESSED);
    }
  }

  onSettingsKnown(): void {}

  refuseNew(): void {
    this.#isClosed = true;
    for (const stream of [...this.#waiting]) stream.fail(UNPROCESSED);
  }

  letGo(): void {}

  closeAll(code: number, text: string): void {
    this.#blockFrames.close();
    this.refuseNew();
    this.#options.onOver(code, text);
    for (const stream of [...this.#open.values()]) stream.fail({ kind: "lost", code, text });
  }

  forget(stream: ClientStream): void {
    if (this.#waiting.size > 0) this.#waiting.delete(stream);
    if (this.#open.delete(stream.id)) {
      this.#parts.sending.drop(stream);
      this.#startWaiting();
      if (this.#open.size === 0) this.#options.onEmpty();
    }
    this.#noteBusy();
  }

  sendReset(streamId: number, code: number): void {
    this.#lateBlocks += BLOCKS_OF_ANSWER;
    this.#lateBytes += DEFAULT_WINDOW_BYTES;
    this.output.frames.rstStream(streamId, code);
    this.output.schedule();
  }

  offer(stream: ClientStream): void {
    this.#parts.sending.offer(stream);
  }

  #noteBusy(): void {
    const isBusy = this.#open.size > 0 || this.#waiting.size > 0;
    if (isBusy === this.#isBusy) return;
    this.#isBusy = isBusy;
    this.#options.onBusy(isBusy);
  }

  get #hasRoom(): boolean {
    return this.#isGreeted && this.#open.size < this.#parts.peer.maxConcurrentStreams;
  }

  #startWaiting(): void {
    if (!this.#isGreeted || this.#isClosed) return;
    const { maxConcurrentStreams } = this.#parts.peer;
    for (const stream of this.#waiting) {
      if (this.#open.size >= maxConcurrentStreams) return;
      if (this.#nextId > MAX_STREAM_ID) return this.refuseNew();
      this.#waiting.delete(stream);
      this.#start(stream);
    }
  }

  #start(stream: ClientStream): void {
    const { output, peer, sending } = this.#parts;
    const { fields } = stream.request;
    stream.id = this.#nextId;
    stream.sendWindowBytes = peer.initialWindowBytes;
    this.#nextId += 2;
    this.#open.set(stream.id, stream);
    output.frames.headers(stream.id, this.#requests.encode(fields, peer.tableBytes), {
      endStream: stream.endsWithHead,
      maxPayloadBytes: peer.maxPayloadBytes,
    });
    output.schedule();
    if (stream.isWaiting) sending.offer(stream);
  }

  #onData(frame: Frame): void {
    const { streamId, bytes, flags } = frame;
    const frameBytes = frame.end - frame.start;
    unpad(frame, this.#span);
    // Nothing of it is held, so that the window of the connection is never used up.
    this.#release(0, this.#window.release(frameBytes));
    const stream = this.#find(streamId);
    const isEnd = (flags & FLAG.endStream) !== 0;
    if (this.#span.start === this.#span.end && !isEnd) spend(this.#parts.budget);
    if (stream === undefined) return this.#countLateData(frameBytes, isEnd);
    const credit = stream.receiveData(bytes, this.#span, frameBytes);
    if (!isEnd) return this.#release(streamId, credit);
    this.#parts.budget.earn();
    stream.receiveEnd();
  }

  #release(streamId: number, credit: number): void {
    if (credit > 0) this.output.frames.windowUpdate(streamId, credit);
  }

  /**
   * An open stream. Of one that is over there may still be frames on their way, which mean nothing.
   *
   * @throws {ConnectionFault} if this side has not opened it yet, or never will
   */
  #find(streamId: number): ClientStream | undefined {
    if (streamId % 2 === 1 && streamId < this.#nextId) return this.#open.get(streamId);
    throw protocolFault(`a frame on the idle stream ${streamId}`);
  }

  #onHeaders(frame: Frame): void {
    this.#find(frame.streamId);
    this.#onBlock(this.#blockFrames.onHeaders(frame));
  }

  /** A block of a stream that is over is read too, as the table depends on it. */
  #onBlock(block: Block | undefined): void {
    if (block === undefined) return;
    const { streamId, endStream } = block;
    const reading = this.#answers.read(block);
    const stream = this.#open.get(streamId);
    if (stream === undefined) return this.#countLateBlock();
    if (endStream) this.#parts.budget.earn();
    else if (reading.kind === "head" && reading.head.status < 200) spend(this.#parts.budget);
    stream.receiveBlock(reading, endStream);
  }

  /** What comes of an answer that was cancelled is no fault of the server; anything else is of no use. */
  #countLateBlock(): void {
    if (this.#lateBlocks > 0) this.#lateBlocks -= 1;
    else spend(this.#parts.budget);
  }

  /** An end without a byte stands in the place of the trailers. */
  #countLateData(bytes: number, isEnd: boolean): void {
    if (bytes === 0 && isEnd) return this.#countLateBlock();
    if (this.#lateBytes >= bytes) this.#lateBytes -= bytes;
    else spend(this.#parts.budget);
  }

  #onReset(frame: Frame): void {
    const code = readUint32(frame.bytes, frame.start);
    const stream = this.#find(frame.streamId);
    spend(this.#parts.budget);
    stream?.fail(
      code === ERROR_CODE.refusedStream ? UNPROCESSED : { kind: "reset", code, text: "" },
    );
  }

  #onWindowUpdate(frame: Frame): void {
    const bytes = readUint31(frame.bytes, frame.start);
    const stream = this.#find(frame.streamId);
    if (stream === undefined) return bytes === 0 ? spend(this.#parts.budget) : undefined;
    if (bytes === 0) return stream.break(ERROR_CODE.protocolError, "WINDOW_UPDATE of 0");
    stream.sendWindowBytes += bytes;
    if (stream.sendWindowBytes > MAX_WINDOW_BYTES) {
      return stream.break(ERROR_CODE.flowControlError, "a window that is too large");
    }
    this.#parts.sending.resumeOne(stream);
  }
}

/** One for all, as it is the same for all. */
const UNPROCESSED = { kind: "unprocessed", code: ERROR_CODE.refusedStream, text: "" } as const;

function protocolFault(text: string): ConnectionFault {
  return new ConnectionFault(ERROR_CODE.protocolError, text);
}
