// SPDX-License-Identifier: Apache-2.0

import { MAX_REQUEST_ID_LENGTH, REQUEST_ID_KEY } from "../core/request_id.ts";
import { OracleError } from "../server/errors.ts";

/** Remembered marks: at 10,000 requests a second, those of the last seconds. A browser repeats at once. */
const MAX_REMEMBERED = 65_536;

/** Remembers the marks of requests that must not be carried out twice, up to a number of them. */
export class SeenRequests {
  readonly #seen = new Set<string>();
  readonly #limit: number;

  /** Remembers as many marks as the limit says. */
  constructor(limit = MAX_REMEMBERED) {
    this.#limit = limit;
  }

  /**
   * Takes note of a request. One without a mark is always new, as is one whose mark is too long to be kept.
   *
   * @throws {OracleError} `outcome-unknown` if a request with this mark came before, whatever became of it
   */
  admit(header: Headers): void {
    const id = header.get(REQUEST_ID_KEY);
    if (id === null || id === "" || id.length > MAX_REQUEST_ID_LENGTH) return;
    if (this.#seen.has(id)) {
      throw new OracleError(
        "outcome-unknown",
        "it is not known whether the block was taken: this request came a second time, sent anew by a browser or a proxy; asking again would take another one",
      );
    }
    this.#seen.add(id);
    if (this.#seen.size > this.#limit) this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const id of this.#seen) {
      this.#seen.delete(id);
      return;
    }
  }
}
