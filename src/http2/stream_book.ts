// SPDX-License-Identifier: Apache-2.0

import type { Stream } from "./stream.ts";

/** How many of the streams that are over are remembered, for each way of ending. */
const REMEMBERED = 256;

/** How many places there are for open streams that are found without a search. A power of two. */
const PLACES = 128;

/** How a stream came to its end, as far as that is still known. */
export type StreamEnd = "complete" | "reset by this side" | "reset by the peer" | "forgotten";

/**
 * The streams of a connection that the peer opens: those that are open, and of those that are over the last few, as
 * what may still come on a stream depends on how it ended (RFC 9113, 5.1).
 */
export class StreamBook {
  /** Open streams, each in the place of its number, if that was free. Most streams are over soon. */
  readonly #places: (Stream | undefined)[] = [];
  /** The others. */
  readonly #displaced = new Map<number, Stream>();
  readonly #complete = new RecentIds();
  readonly #resetHere = new RecentIds();
  readonly #resetThere = new RecentIds();
  #size = 0;
  #used = 0;
  #lastId = 0;

  /** How many streams are open. */
  get size(): number {
    return this.#size;
  }

  /** How many streams the peer has used, which may leave numbers out. */
  get used(): number {
    return this.#used;
  }

  /** The highest stream that the peer has used. */
  get lastId(): number {
    return this.#lastId;
  }

  /** The open streams, the oldest first. */
  all(): readonly Stream[] {
    const placed = this.#places.filter((stream) => stream !== undefined);
    return [...placed, ...this.#displaced.values()].sort((a, b) => a.id - b.id);
  }

  /** An open stream. */
  get(streamId: number): Stream | undefined {
    const stream = this.#places[placeOf(streamId)];
    return stream?.id === streamId ? stream : this.#displaced.get(streamId);
  }

  /** Whether the peer has not used the stream yet. */
  isIdle(streamId: number): boolean {
    return streamId > this.#lastId || streamId % 2 === 0;
  }

  /** The peer uses the stream. */
  use(streamId: number): void {
    this.#used += 1;
    this.#lastId = streamId;
  }

  /** The stream is open. */
  add(stream: Stream): void {
    const place = placeOf(stream.id);
    if (this.#places[place] !== undefined) this.#displaced.set(stream.id, stream);
    else this.#places[place] = stream;
    this.#size += 1;
  }

  /** An open stream is over. If it was reset, that is noted before. */
  remove(streamId: number): void {
    const place = placeOf(streamId);
    if (this.#places[place]?.id === streamId) this.#places[place] = undefined;
    else this.#displaced.delete(streamId);
    this.#size -= 1;
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
  readonly #ids: number[] = [];
  #next = 0;

  add(id: number): void {
    this.#ids[this.#next] = id;
    this.#next = (this.#next + 1) % REMEMBERED;
  }

  has(id: number): boolean {
    return this.#ids.includes(id);
  }
}

/** Numbers of streams from one side are every other one. */
function placeOf(streamId: number): number {
  return streamId >>> 1 & PLACES - 1;
}
