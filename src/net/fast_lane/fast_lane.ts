// SPDX-License-Identifier: Apache-2.0

import type { Deadline } from "../../http2/deadline_queue.ts";
import type { RequestHead } from "../../http2/request_head.ts";
import type { RequestTaker } from "../../http2/server_streams.ts";
import type { ByteSpan, Stream, StreamSink } from "../../http2/stream.ts";
import type { FastAnswers } from "./answer_book.ts";
import { fastProtocolOf } from "./fast_route.ts";
import type { FastProtocol } from "./fast_route.ts";
import { getTsRequest, GRPC_PREFIX_BYTES, NOT_PLAIN, readGetTsRequest } from "./get_ts_wire.ts";
import { LaneSink } from "./lane_desk.ts";
import type { LaneDesk } from "./lane_desk.ts";

/** What a fast lane works with. */
export interface FastLaneOptions {
  /** What it shares with the lanes of other connections. */
  readonly desk: LaneDesk;
  /**
   * Takes what the lane does not answer. The stream has its new sink when it returns.
   *
   * @param isLate whether the time is over in which the request had to come
   */
  readonly giveUp: (stream: Stream, isLate: boolean) => void;
}

/** All that an answer of the lane has in frames, at most. */
const ANSWER_BYTES = 64;

/**
 * The fast lane of a connection: plain calls of GetTs are decoded, granted and encoded within the turn that brings
 * them, without a promise, and without an object but the stream and the grant. Whatever is not plain, or cannot be
 * granted and sent at once, is handed over as if the lane had never seen it.
 */
export class FastLane {
  readonly #options: FastLaneOptions;
  /** Most clients speak one of the protocols. */
  readonly #sinks: Partial<Record<FastProtocol, FastSink>> = {};
  #isLeaving = false;

  /** Makes the lane of a connection. */
  constructor(options: FastLaneOptions) {
    this.#options = options;
  }

  /** How many calls it has answered. */
  get answered(): number {
    return this.#all().reduce((sum, sink) => sum + sink.answered, 0);
  }

  /** Who takes the requests with this head, if it is the lane. */
  route(head: RequestHead): RequestTaker | undefined {
    const protocol = fastProtocolOf(head);
    return protocol === undefined ? undefined : this.#sinkFor(protocol);
  }

  /** The server ends: from now on others take the requests that are not whole, and know what to say if they never are. */
  leaveAll(): void {
    this.#isLeaving = true;
    for (const sink of this.#all()) sink.leave();
  }

  #sinkFor(protocol: FastProtocol): FastSink {
    return this.#sinks[protocol] ??= new FastSink(this.#options, protocol, this.#isLeaving);
  }

  #all(): readonly FastSink[] {
    return Object.values(this.#sinks);
  }
}

/** All calls of a connection in one of the protocols. What is known of a call is its count, in the mark of its stream. */
class FastSink extends LaneSink implements RequestTaker {
  readonly #desk: LaneDesk;
  readonly #answers: FastAnswers;
  /** How many calls it has answered. */
  answered = 0;
  /** Opened by an earlier read, and not whole. Made with the first of them, which most connections never have. */
  #waiting: Map<Stream, Deadline> | undefined;
  #isLeaving: boolean;
  readonly #giveUpTo: FastLaneOptions["giveUp"];

  constructor({ desk, giveUp }: FastLaneOptions, protocol: FastProtocol, isLeaving: boolean) {
    super();
    this.#desk = desk;
    this.#answers = desk.answers[protocol];
    this.#giveUpTo = giveUp;
    this.#isLeaving = isLeaving;
  }

  onRequest(stream: Stream): void {
    stream.sink = this;
    stream.mark = NOT_PLAIN;
    this.#desk.noteOpen(stream);
  }

  override onData(stream: Stream, bytes: Uint8Array, span: ByteSpan): void {
    const count = stream.mark === NOT_PLAIN ? this.#read(bytes, span) : NOT_PLAIN;
    if (count === NOT_PLAIN) this.#giveUp(stream).onData(stream, bytes, span);
    else stream.mark = count;
  }

  override onEnd(stream: Stream): void {
    const { mark: count } = stream;
    const desk = this.#desk;
    const grant = count !== NOT_PLAIN && stream.canAnswer(ANSWER_BYTES)
      ? desk.source.getTsNow(count, desk.nowMs())
      : undefined;
    if (grant === undefined) return this.#giveUp(stream).onEnd(stream);
    stream.answer(this.#answers.make(grant, desk.date()));
    this.answered += 1;
  }

  override onWritable(): void {}

  override onClosed(stream: Stream): void {
    this.#desk.noteClosed(stream);
    if (this.#waiting !== undefined) this.#forget(stream);
  }

  override onReadEnd(stream: Stream): void {
    if (this.#isLeaving) this.#giveUp(stream);
    else this.#wait(stream);
  }

  leave(): void {
    this.#isLeaving = true;
    for (const stream of [...this.#waiting?.keys() ?? []]) this.#giveUp(stream);
  }

  #wait(stream: Stream): void {
    this.#waiting ??= new Map();
    this.#waiting.set(stream, this.#desk.waits.add(() => void this.#giveUp(stream, true)));
  }

  #read(bytes: Uint8Array, { start, end }: ByteSpan): number {
    if (this.#answers.prefixBytes === 0) return readGetTsRequest(bytes, start, end);
    const from = start + GRPC_PREFIX_BYTES;
    // The flag and three bytes of the length are zero, and the fourth is right.
    for (let at = start; at < from - 1; at++) if (bytes[at] !== 0) return NOT_PLAIN;
    return bytes[from - 1] === end - from ? readGetTsRequest(bytes, from, end) : NOT_PLAIN;
  }

  /** Hands a stream over, with what has come of it. Returns its new sink. */
  #giveUp(stream: Stream, isLate = false): StreamSink {
    const { mark: count } = stream;
    this.#forget(stream);
    this.#giveUpTo(stream, isLate);
    if (count !== NOT_PLAIN) {
      const message = this.#message(count);
      stream.sink.onData(stream, message, { start: 0, end: message.length });
    }
    return stream.sink;
  }

  /** The body that was read, byte for byte. */
  #message(count: number): Uint8Array {
    const message = getTsRequest(count);
    if (this.#answers.prefixBytes === 0) return message;
    return Uint8Array.from([0, 0, 0, 0, message.length, ...message]);
  }

  #forget(stream: Stream): void {
    this.#desk.waits.remove(this.#waiting?.get(stream));
    this.#waiting?.delete(stream);
  }
}
