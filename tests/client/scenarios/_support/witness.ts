// SPDX-License-Identifier: Apache-2.0

import type { ClientCallOptions } from "../../../../src/client/options.ts";
import type { Timestamp } from "../../../../src/client/timestamp.ts";
import type { TimestampRange } from "../../../../src/client/timestamp_range.ts";
import type { BaseTsoClient } from "../../../../src/client/tso_client.ts";
import { HistoryChecker } from "../../../../src/testing/history_checker.ts";
import type { ReceivedRange } from "../../../../src/testing/history_checker.ts";
import { expect, expectSame } from "./expect.ts";

/** Asks through a client and remembers all that comes: nothing twice, and nothing out of order. */
export class Witness {
  readonly #client: BaseTsoClient;
  readonly #checker = new HistoryChecker({ rememberAll: true });

  /** Looks on at a client. */
  constructor(client: BaseTsoClient) {
    this.#client = client;
  }

  /** One timestamp. */
  async getTs(options?: ClientCallOptions): Promise<Timestamp> {
    return await this.#note(
      () => this.#client.getTs(options),
      (value) => ({ first: value, last: value, length: 1 }),
    );
  }

  /** A range of timestamps. */
  async getTsBatch(count: number, options?: ClientCallOptions): Promise<TimestampRange> {
    const ask = () => this.#client.getTsBatch(count, options);
    return await this.#note(ask, ({ first, last, length }) => {
      expectSame(length, count, "the length of the range");
      return { first, last, length };
    });
  }

  /** Fails if anything came twice or out of order. */
  check(): void {
    const [violation] = this.#checker.violations;
    expect(violation === undefined, `the history breaks a promise: ${show(violation)}`);
    expectSame(this.#checker.openCalls, 0, "calls that have not ended");
  }

  async #note<T>(ask: () => Promise<T>, measure: (value: T) => ReceivedRange): Promise<T> {
    const ticket = this.#checker.begin();
    let range: ReceivedRange | undefined;
    try {
      const value = await ask();
      range = measure(value);
      return value;
    } finally {
      if (range === undefined) this.#checker.abandon(ticket);
      else this.#checker.end(ticket, range);
    }
  }
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, part) => typeof part === "bigint" ? String(part) : part);
}
