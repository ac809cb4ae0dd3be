// SPDX-License-Identifier: Apache-2.0

import type { DeadlineQueue } from "../../http2/deadline_queue.ts";
import type { HeaderField } from "../../http2/hpack/header_field.ts";
import type { ByteSpan, Stream, StreamSink } from "../../http2/stream.ts";
import type { AnswerBook } from "./answer_book.ts";
import type { InstantSource } from "./instant_source.ts";

/** What the fast lanes of a server share. */
export interface LaneDeskOptions {
  /** The oracle. */
  readonly source: InstantSource;
  /** Makes the answers. */
  readonly answers: AnswerBook;
  /** How long a request may take to come, before somebody else waits for it. */
  readonly waits: DeadlineQueue;
}

/** Takes the calls of a lane. */
export abstract class LaneSink implements StreamSink {
  abstract onData(stream: Stream, bytes: Uint8Array, span: ByteSpan): void;
  abstract onEnd(stream: Stream): void;
  abstract onWritable(stream: Stream): void;
  abstract onClosed(stream: Stream, code: number): void;

  /** The read is over that has opened the stream, and the stream is not. */
  abstract onReadEnd(stream: Stream): void;
}

/**
 * What the fast lanes of a server share: grants, answers, and what belongs to the read that is being taken, of which
 * there is one at a time. One of each connection would be cold at every call where there are a thousand.
 */
export class LaneDesk {
  /** The oracle. */
  readonly source: InstantSource;
  /** Makes the answers. */
  readonly answers: AnswerBook;
  /** How long a request may take to come. */
  readonly waits: DeadlineQueue;
  /** Those of this read that are not over, the newest last. */
  #opened: Stream[] = [];
  #nowMs: number | undefined;
  #date: HeaderField | undefined;

  /** Makes a desk between two reads. */
  constructor({ source, answers, waits }: LaneDeskOptions) {
    this.source = source;
    this.answers = answers;
    this.waits = waits;
  }

  /** The wall clock, sampled once for all that a read brings, at its first grant: its bytes are here by then. */
  nowMs(): number | undefined {
    return this.#nowMs ??= this.source.wallMs?.();
  }

  /** The date of the answers to this read. */
  date(): HeaderField {
    return this.#date ??= this.answers.dates.field;
  }

  /** The read has opened a stream. */
  noteOpen(stream: Stream): void {
    this.#opened.push(stream);
  }

  /** A stream is over. It is mostly the one that was opened last; any other is passed over when the read is. */
  noteClosed(stream: Stream): void {
    if (this.#opened.at(-1) === stream) this.#opened.pop();
  }

  /** What one read brought has been taken: requests that are not whole may be long in coming. */
  onReadEnd(): void {
    this.#nowMs = undefined;
    this.#date = undefined;
    if (this.#opened.length === 0) return;
    const opened = this.#opened;
    this.#opened = [];
    for (const stream of opened) {
      if (!stream.isOver && stream.sink instanceof LaneSink) stream.sink.onReadEnd(stream);
    }
  }
}
