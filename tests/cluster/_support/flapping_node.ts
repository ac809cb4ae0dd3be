// SPDX-License-Identifier: Apache-2.0

import { SystemClock } from "../../../src/clock/system_clock.ts";
import type { Clock } from "../../../src/core/clock.ts";
import { packTimestamp } from "../../../src/core/timestamp.ts";
import { EtcdDriver } from "../../../src/drivers/etcd/mod.ts";
import { Oracle } from "../../../src/server/mod.ts";
import type { History, RecordedCall } from "./history.ts";

const LEASE_MS = 1_000;
/** Far less than the clocks differ: a leader whose clock lags grants from what its predecessor has left durable. */
const WINDOW_AHEAD_MS = 1_000;

/** Options of {@linkcode FlappingNode}. */
export interface FlappingNodeOptions {
  /** Its place in the history. */
  readonly index: number;
  /** The endpoints of etcd. */
  readonly endpoints: readonly string[];
  /** How far its wall clock is ahead, in milliseconds. */
  readonly aheadMs: number;
}

/** An oracle in this process, whose driver takes part in one election after the other. */
export class FlappingNode implements AsyncDisposable {
  readonly #name: string;
  readonly #index: number;
  readonly #clock: Clock;
  readonly #driver: EtcdDriver;
  #oracle: Oracle;

  /** Takes part. */
  constructor({ index, endpoints, aheadMs }: FlappingNodeOptions) {
    this.#index = index;
    this.#name = `flapping ${index}`;
    this.#clock = clockAhead(aheadMs);
    const endpoint = { host: "127.0.0.1", port: 1 + index };
    this.#driver = new EtcdDriver({ endpoints, endpoint, leaseMs: LEASE_MS });
    this.#oracle = this.#open();
  }

  /** One call, recorded. @throws {Error} if the node grants nothing */
  ask(history: History): Promise<RecordedCall> {
    return history.record({ name: this.#name, node: this.#index }, async () => {
      const { physicalMs, logicalStart, count, epoch } = await this.#oracle.getTs(1);
      return { firstPacked: packTimestamp(physicalMs, logicalStart), count, epoch };
    });
  }

  /** Gives up the term, if it has one. */
  async leave(): Promise<void> {
    await this.#oracle.close();
  }

  /** Takes part again. */
  rejoin(): void {
    this.#oracle = this.#open();
  }

  /** Leaves for good. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#oracle.close();
    await this.#driver.close();
  }

  #open(): Oracle {
    const clock = this.#clock;
    return new Oracle({ driver: this.#driver, clock, windowAheadMs: WINDOW_AHEAD_MS });
  }
}

function clockAhead(aheadMs: number): Clock {
  const real = new SystemClock();
  return {
    nowMs: () => real.nowMs() + aheadMs,
    monotonicMs: () => real.monotonicMs(),
    delay: (ms, options) => real.delay(ms, options),
  };
}
