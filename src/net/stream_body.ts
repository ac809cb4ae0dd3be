// SPDX-License-Identifier: Apache-2.0

import { deferred } from "../core/deferred.ts";
import type { Deferred } from "../core/deferred.ts";
import type { ByteSpan } from "../http2/stream.ts";

const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * The body of a request as it comes, for one reader. It counts as consumed when the reader takes it, so a reader that is
 * slow or stops holds no more than the window of its stream. The reader takes all that is there at once: a client may send
 * its bytes one by one, and readers that look for the end of a message copy all they have for each part.
 */
export class StreamBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #consume: (bytes: number) => void;
  /** What has come and was not taken, with room behind it. */
  #bytes = NOTHING;
  #length = 0;
  #arrival: Deferred<void> | undefined;
  #isComplete = false;
  #isLost = false;
  #isSkipped = false;

  /** Makes an empty body; `consume` is called for the bytes that nothing holds any more. */
  constructor(consume: (bytes: number) => void) {
    this.#consume = consume;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this;
  }

  /** A part has come, which is lent. */
  add(bytes: Uint8Array, { start, end }: ByteSpan): void {
    if (this.#isSkipped) return this.#consume(end - start);
    const length = this.#length + end - start;
    if (length > this.#bytes.length) this.#grow(length);
    this.#bytes.set(bytes.subarray(start, end), this.#length);
    this.#length = length;
    this.#arrival?.resolve();
  }

  /** All has come. */
  complete(): void {
    this.#isComplete = true;
    this.#arrival?.resolve();
  }

  /** The rest will not come. */
  lose(): void {
    this.#isLost = true;
    this.#arrival?.resolve();
  }

  /** Nobody wants what is left. */
  skip(): void {
    this.#isSkipped = true;
    this.#consume(this.#take().length);
  }

  /**
   * All that has come since the last time.
   *
   * @throws {Error} if the client has gone before it was whole
   */
  async next(): Promise<IteratorResult<Uint8Array>> {
    for (;;) {
      if (this.#length > 0) {
        const value = this.#take();
        this.#consume(value.length);
        return { done: false, value };
      }
      if (this.#isComplete) return { done: true, value: undefined };
      if (this.#isLost) throw new Error("the client has gone before its request was whole");
      this.#arrival = deferred<void>();
      await this.#arrival.promise;
    }
  }

  #take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = NOTHING;
    this.#length = 0;
    return taken;
  }

  #grow(length: number): void {
    const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
