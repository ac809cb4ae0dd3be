// SPDX-License-Identifier: Apache-2.0

import { deferred } from "../core/deferred.ts";
import type { Deferred } from "../core/deferred.ts";

/**
 * The body of a request as its parts come, for one reader. A part counts as consumed when the reader takes it, so a
 * reader that is slow or stops holds no more than the window of its stream.
 */
export class StreamBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #consume: (bytes: number) => void;
  readonly #parts: Uint8Array[] = [];
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

  /** A part has come. */
  add(part: Uint8Array): void {
    if (this.#isSkipped) return this.#consume(part.length);
    this.#parts.push(part);
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
    for (const part of this.#parts.splice(0)) this.#consume(part.length);
  }

  /**
   * The next part.
   *
   * @throws {Error} if the client has gone before it was whole
   */
  async next(): Promise<IteratorResult<Uint8Array>> {
    for (;;) {
      const part = this.#parts.shift();
      if (part !== undefined) {
        this.#consume(part.length);
        return { done: false, value: part };
      }
      if (this.#isComplete) return { done: true, value: undefined };
      if (this.#isLost) throw new Error("the client has gone before its request was whole");
      this.#arrival = deferred<void>();
      await this.#arrival.promise;
    }
  }
}
