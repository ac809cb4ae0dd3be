// SPDX-License-Identifier: Apache-2.0

import type { ClientCounterName, ClientMetrics, TsoClient } from "../../client/mod.ts";
import type { ReceivedRange } from "../../testing/history_checker.ts";
import type { Target } from "./target.ts";

/**
 * Counts what a client throws away because it went back: a client never hands it out, and may get a right
 * answer elsewhere, so that nothing else tells of it.
 */
export class WentBackCounter implements ClientMetrics {
  #total = 0;

  /** How many answers were thrown away. */
  get total(): number {
    return this.#total;
  }

  /** Adds, if it is that counter. */
  count(name: ClientCounterName, by: number): void {
    if (name === "tsoracle.client.went_back.total") this.#total += by;
  }

  /** Does nothing. */
  gauge(): void {}
}

/** Puts load on the servers of a client. All callers share it, as they would in a program. */
export class ClientTarget implements Target {
  readonly #client: TsoClient;
  readonly #counter: WentBackCounter;

  /** @param counter the metrics of the client */
  constructor(client: TsoClient, counter: WentBackCounter) {
    this.#client = client;
    this.#counter = counter;
  }

  /** As the client has counted. */
  get wentBack(): number {
    return this.#counter.total;
  }

  /** Asks the client. */
  async getTs(count: number): Promise<ReceivedRange> {
    if (count === 1) {
      const timestamp = await this.#client.getTs();
      return { first: timestamp, last: timestamp, length: 1 };
    }
    const { first, last } = await this.#client.getTsBatch(count);
    return { first, last, length: count };
  }
}
