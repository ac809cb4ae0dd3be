// SPDX-License-Identifier: Apache-2.0

import type { Stream } from "./stream.ts";

/** How many of the streams that are over are remembered, for each way of ending. */
const REMEMBERED = 256;

/** How a stream came to its end, as far as that is still known. */
export type StreamEnd = "complete" | "reset by this side" | "reset by the peer" | "forgotten";

/**
 * The streams of a connection that the peer opens: those that are open, and of those that are over the last few, as
 * what may still come on a stream depends on how it ended (RFC 9113, 5.1).
 */
export class StreamBook {
  /** All that are open but the newest, in the order in which they were opened. */
  readonly #open = new Map<number, Stream>();
  /** Most streams are over before the next one is opened, and need no place in the map. */
  #newest: Stream | undefined;
  readonly #complete = new RecentIds();
  readonly #resetHere = new RecentIds();
  readonly #resetThere = new RecentIds();
  #lastId = 0;

  /** How many streams are open. */
  get size(): number {
    return this.#newest === undefined ? this.#open.size : this.#open.size + 1;
  }

  /** The highest stream that the peer has used. */
  get lastId(): number {
    return this.#lastId;
  }

  /** The open streams, the oldest first. */
  all(): readonly Stream[] {
    return this.#newest === undefined
      ? [...this.#open.values()]
      : [...this.#open.values(), this.#newest];
  }

  /** An open stream. */
  get(streamId: number): Stream | undefined {
    return this.#newest?.id === streamId ? this.#newest : this.#open.get(streamId);
  }

  /** Whether the peer has not used the stream yet. */
  isIdle(streamId: number): boolean {
    return streamId > this.#lastId || streamId % 2 === 0;
  }

  /** The peer uses the stream. */
  use(streamId: number): void {
    this.#lastId = streamId;
  }

  /** The stream is open. */
  add(stream: Stream): void {
    if (this.#newest !== undefined) this.#open.set(this.#newest.id, this.#newest);
    this.#newest = stream;
  }

  /** The stream is over. If it was reset, that is noted before. */
  remove(streamId: number): void {
    if (this.#newest?.id === streamId) this.#newest = undefined;
    else this.#open.delete(streamId);
    this.#complete.add(streamId);
  }

  /** RST_STREAM was sent. */
  noteReset(streamId: number): void {
    this.#resetHere.add(streamId);
  }

  /** RST_STREAM was received. */
  notePeerReset(streamId: number): void {
    this.#resetThere.add(streamId);
  }

  /** How a stream ended that is neither idle nor open. */
  endOf(streamId: number): StreamEnd {
    if (this.#resetHere.has(streamId)) return "reset by this side";
    if (this.#resetThere.has(streamId)) return "reset by the peer";
    return this.#complete.has(streamId) ? "complete" : "forgotten";
  }
}

/** The last few numbers. Adding is cheap, as each request does it; looking is not. */
class RecentIds {
  readonly #ids = new Int32Array(REMEMBERED);
  #next = 0;

  add(id: number): void {
    this.#ids[this.#next] = id;
    this.#next = (this.#next + 1) % REMEMBERED;
  }

  has(id: number): boolean {
    return this.#ids.includes(id);
  }
}
