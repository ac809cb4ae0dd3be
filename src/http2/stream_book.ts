// SPDX-License-Identifier: Apache-2.0

import type { Stream } from "./stream.ts";

/** How many runs of numbers are remembered, besides the one that still grows. */
const REMEMBERED = 256;

/** How many places there are for open streams that are found without a search. A power of two. */
const PLACES = 128;

/** How a stream came to its end, as far as that is still known. */
export type StreamEnd = "complete" | "reset by this side" | "reset by the peer" | "forgotten";

/**
 * The streams of a connection that the peer opens: those that are open, and of those that are over the last few, as
 * what may still come on a stream depends on how it ended (RFC 9113, 5.1). With a thousand connections a call finds cold
 * whatever it touches of its own one, so the usual one, which is over before the next begins, touches nothing but this.
 */
export class StreamBook {
  #size = 0;
  #used = 0;
  /** The last run of streams that the peer has used without leaving one out. Most clients leave none out. */
  #firstId = 1;
  #lastId = -1;
  /** The newest of the open streams, if it is still open: what comes next is mostly for it. */
  #newest: Stream | undefined;
  /** Open streams, each in the place of its number, if that was free. */
  #places: (Stream | undefined)[] | undefined;
  /** The others. */
  #displaced: Map<number, Stream> | undefined;
  /** What was used before the last run. */
  #usedBefore: RecentIds | undefined;
  #resetHere: RecentIds | undefined;
  #resetThere: RecentIds | undefined;

  /** How many streams are open. */
  get size(): number {
    return this.#size;
  }

  /** How many streams the peer has used, which may leave numbers out. */
  get used(): number {
    return this.#used;
  }

  /** The highest stream that the peer has used, 0 if none. */
  get lastId(): number {
    return Math.max(0, this.#lastId);
  }

  /** The open streams, the oldest first. */
  all(): readonly Stream[] {
    const open = [this.#newest, ...this.#places ?? [], ...this.#displaced?.values() ?? []];
    return open.filter((stream) => stream !== undefined).sort((a, b) => a.id - b.id);
  }

  /** An open stream. */
  get(streamId: number): Stream | undefined {
    if (this.#newest?.id === streamId) return this.#newest;
    const stream = this.#places?.[placeOf(streamId)];
    return stream?.id === streamId ? stream : this.#displaced?.get(streamId);
  }

  /** Whether the peer has not used the stream yet. */
  isIdle(streamId: number): boolean {
    return streamId > this.#lastId || streamId % 2 === 0;
  }

  /** The peer uses the stream. */
  use(streamId: number): void {
    this.#used += 1;
    if (streamId !== this.#lastId + 2) {
      this.#usedBefore ??= new RecentIds();
      this.#usedBefore.addRun(this.#firstId, this.#lastId);
      this.#firstId = streamId;
    }
    this.#lastId = streamId;
  }

  /** The stream is open. */
  add(stream: Stream): void {
    if (this.#newest !== undefined) this.#place(this.#newest);
    this.#newest = stream;
    this.#size += 1;
  }

  /** An open stream is over. If it was reset, that is noted before. */
  remove(streamId: number): void {
    const place = placeOf(streamId);
    if (this.#newest?.id === streamId) this.#newest = undefined;
    else if (this.#places?.[place]?.id === streamId) this.#places[place] = undefined;
    else this.#displaced?.delete(streamId);
    this.#size -= 1;
  }

  /** RST_STREAM was sent. */
  noteReset(streamId: number): void {
    this.#resetHere ??= new RecentIds();
    this.#resetHere.add(streamId);
  }

  /** RST_STREAM was received. */
  notePeerReset(streamId: number): void {
    this.#resetThere ??= new RecentIds();
    this.#resetThere.add(streamId);
  }

  /** How a stream ended that is neither idle nor open. */
  endOf(streamId: number): StreamEnd {
    if (this.#resetHere?.has(streamId)) return "reset by this side";
    if (this.#resetThere?.has(streamId)) return "reset by the peer";
    const wasUsed = streamId >= this.#firstId || this.#usedBefore?.has(streamId);
    return wasUsed ? "complete" : "forgotten";
  }

  #place(stream: Stream): void {
    const places = this.#places ??= [];
    const place = placeOf(stream.id);
    if (places[place] === undefined) places[place] = stream;
    else (this.#displaced ??= new Map()).set(stream.id, stream);
  }
}

/**
 * The last few numbers, as runs of those that follow one upon the other. Adding is cheap, as each reset does it; looking
 * is not.
 */
class RecentIds {
  /** The first and the last of each run. */
  readonly #runs: number[] = [];
  #next = 0;

  add(id: number): void {
    const at = (this.#next || 2 * REMEMBERED) - 1;
    if (this.#runs[at] === id - 2) this.#runs[at] = id;
    else this.addRun(id, id);
  }

  addRun(first: number, last: number): void {
    this.#runs[this.#next] = first;
    this.#runs[this.#next + 1] = last;
    this.#next = (this.#next + 2) % (2 * REMEMBERED);
  }

  has(id: number): boolean {
    const runs = this.#runs;
    return runs.some((first, i) => i % 2 === 0 && first <= id && id <= (runs[i + 1] ?? 0));
  }
}

/** Numbers of streams from one side are every other one. */
function placeOf(streamId: number): number {
  return streamId >>> 1 & PLACES - 1;
}
