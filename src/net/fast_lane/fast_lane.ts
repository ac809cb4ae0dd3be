// SPDX-License-Identifier: Apache-2.0

import type { Deadline, DeadlineQueue } from "../../http2/deadline_queue.ts";
import type { HeaderField } from "../../http2/hpack/header_field.ts";
import type { RequestHead } from "../../http2/request_head.ts";
import type { OnRequest } from "../../http2/server_streams.ts";
import type { ByteSpan, Stream, StreamSink } from "../../http2/stream.ts";
import type { AnswerBook, FastAnswers } from "./answer_book.ts";
import { fastProtocolOf } from "./fast_route.ts";
import type { FastProtocol } from "./fast_route.ts";
import type { InstantSource } from "./instant_source.ts";
import { getTsRequest, GRPC_PREFIX_BYTES, NOT_PLAIN, readGetTsRequest } from "./get_ts_wire.ts";

/** What a fast lane works with. */
export interface FastLaneOptions {
  /** The oracle. */
  readonly source: InstantSource;
  /** Makes the answers, for all lanes of the server. */
  readonly answers: AnswerBook;
  /** How long a request may take to come, before somebody else waits for it. */
  readonly waits: DeadlineQueue;
  /** Called for each call that the lane has answered. */
  readonly onAnswered: () => void;
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
  readonly #sinks: Readonly<Record<FastProtocol, FastSink>>;
  readonly #read: ReadClock;

  /** Makes the lane of a connection. */
  constructor(options: FastLaneOptions) {
    const { answers } = options;
    this.#read = new ReadClock(options);
    this.#sinks = {
      grpc: new FastSink(options, { answers: answers.grpc, clock: this.#read }),
      connect: new FastSink(options, { answers: answers.connect, clock: this.#read }),
    };
  }

  /** Who takes the requests with this head, if it is the lane. */
  route(head: RequestHead): OnRequest | undefined {
    const protocol = fastProtocolOf(head);
    return protocol === undefined ? undefined : this.#sinks[protocol].onRequest;
  }

  /** What one read brought has been taken: requests that are not whole may be long in coming. */
  onReadEnd(): void {
    this.#sinks.grpc.onReadEnd();
    this.#sinks.connect.onReadEnd();
    this.#read.onReadEnd();
  }

  /** The server ends: from now on others take the requests that are not whole, and know what to say if they never are. */
  leaveAll(): void {
    this.#sinks.grpc.leaveAll();
    this.#sinks.connect.leaveAll();
  }
}

/** One sample of the wall clock for all that a read brings, taken at its first grant: its bytes are here by then. */
class ReadClock {
  readonly #source: InstantSource;
  readonly #answers: AnswerBook;
  #nowMs: number | undefined;
  #date: HeaderField | undefined;

  constructor({ source, answers }: FastLaneOptions) {
    this.#source = source;
    this.#answers = answers;
  }

  nowMs(): number | undefined {
    return this.#nowMs ??= this.#source.wallMs?.();
  }

  date(): HeaderField {
    return this.#date ??= this.#answers.dates.field;
  }

  onReadEnd(): void {
    this.#nowMs = undefined;
    this.#date = undefined;
  }
}

interface FastSinkOptions {
  readonly answers: FastAnswers;
  readonly clock: ReadClock;
}

/** All calls of a connection in one of the protocols. What is known of a call is its count, in the mark of its stream. */
class FastSink implements StreamSink {
  readonly #options: FastLaneOptions;
  readonly #answers: FastAnswers;
  readonly #clock: ReadClock;
  /** Opened by this read. */
  #opened: Stream[] = [];
  /** Opened by an earlier one, and not whole. */
  readonly #waiting = new Map<Stream, Deadline>();
  #isLeaving = false;

  constructor(options: FastLaneOptions, { answers, clock }: FastSinkOptions) {
    this.#options = options;
    this.#answers = answers;
    this.#clock = clock;
  }

  /** Takes a request. */
  readonly onRequest = (stream: Stream): void => {
    stream.sink = this;
    stream.mark = NOT_PLAIN;
    this.#opened.push(stream);
  };

  onData(stream: Stream, bytes: Uint8Array, span: ByteSpan): void {
    const count = stream.mark === NOT_PLAIN ? this.#read(bytes, span) : NOT_PLAIN;
    if (count === NOT_PLAIN) this.#giveUp(stream).onData(stream, bytes, span);
    else stream.mark = count;
  }

  onEnd(stream: Stream): void {
    const { mark: count } = stream;
    const grant = count !== NOT_PLAIN && stream.canAnswer(ANSWER_BYTES)
      ? this.#options.source.getTsNow(count, this.#clock.nowMs())
      : undefined;
    if (grant === undefined) return this.#giveUp(stream).onEnd(stream);
    stream.answer(this.#answers.make(grant, this.#clock.date()));
    this.#options.onAnswered();
  }

  onWritable(): void {}

  onClosed(stream: Stream): void {
    if (this.#waiting.size > 0) this.#forget(stream);
  }

  /** Gives the streams that are not whole a deadline, or away. */
  onReadEnd(): void {
    if (this.#opened.length === 0) return;
    for (const stream of this.#opened) {
      if (stream.isOver || stream.sink !== this) continue;
      if (this.#isLeaving) this.#giveUp(stream);
      else this.#wait(stream);
    }
    this.#opened = [];
  }

  leaveAll(): void {
    this.#isLeaving = true;
    for (const stream of [...this.#waiting.keys()]) this.#giveUp(stream);
  }

  #wait(stream: Stream): void {
    this.#waiting.set(stream, this.#options.waits.add(() => void this.#giveUp(stream, true)));
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
    this.#options.giveUp(stream, isLate);
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
    this.#options.waits.remove(this.#waiting.get(stream));
    this.#waiting.delete(stream);
  }
}
