// SPDX-License-Identifier: Apache-2.0

/**
 * What a peer may still send, for a stream or for the connection. Credit goes back in batches: not before half the
 * window is used up, so that small requests cost no frame each.
 */
export class ReceiveWindow {
  readonly #sizeBytes: number;
  #leftBytes: number;
  #usedBytes = 0;

  /** Makes a window of so many bytes. */
  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
    this.#leftBytes = sizeBytes;
  }

  /** Counts what has come, padding included. False if it is more than the peer might send. */
  take(bytes: number): boolean {
    this.#leftBytes -= bytes;
    return this.#leftBytes >= 0;
  }

  /** Counts what nothing holds any more. Returns the credit that is due, 0 for none yet. */
  release(bytes: number): number {
    this.#usedBytes += bytes;
    if (this.#usedBytes * 2 < this.#sizeBytes) return 0;
    const credit = this.#usedBytes;
    this.#usedBytes = 0;
    this.#leftBytes += credit;
    return credit;
  }
}
