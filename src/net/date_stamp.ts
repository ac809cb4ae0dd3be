// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../core/clock.ts";
import type { HeaderField } from "../http2/hpack/header_field.ts";

/**
 * The `date` of answers. A server that has a clock has to send it (RFC 9110, 6.6.1), and `node:http` and `node:http2` do;
 * gRPC leaves it to HTTP. All answers of a second have the same one, so that it costs the fast lane a comparison.
 */
export class DateStamp {
  readonly #clock: Clock;
  #second = NaN;
  #field: HeaderField = { name: "date", value: "" };

  /** Tells the time of a clock. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The field for an answer that is made now: the same object as before, unless it is another second. */
  get field(): HeaderField {
    const second = Math.floor(this.#clock.nowMs() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#field = { name: "date", value: new Date(second * 1_000).toUTCString() };
    }
    return this.#field;
  }
}
