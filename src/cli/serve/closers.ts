// SPDX-License-Identifier: Apache-2.0

/**
 * What has to be closed, the latest first. (Node 20 has no `AsyncDisposableStack`.)
 */
export class Closers {
  readonly #closers: (() => Promise<unknown>)[] = [];

  /** Remembers how to close what was just opened. */
  add(close: () => Promise<unknown>): void {
    this.#closers.push(close);
  }

  /**
   * Closes everything, one after another. One that fails does not keep the others open.
   *
   * @throws {unknown} what the first of them threw
   */
  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      await close().catch((error) => errors.push(error));
    }
    if (errors.length > 0) throw errors[0];
  }
}
