// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { ConsensusDriver, DriverCallOptions } from "../../consensus/driver.ts";
import { consensusCodeOf } from "../../consensus/errors.ts";
import type { Epoch } from "../../core/epoch.ts";
import type { SequenceRequest } from "../../core/sequence.ts";
import { settle } from "../manual_clock.ts";
import type { DriverTrial } from "./driver_check.ts";

/** The sequences of a driver that leads. */
export class Sequences {
  readonly #driver: ConsensusDriver;
  readonly #epoch: Epoch;

  private constructor(driver: ConsensusDriver, epoch: Epoch) {
    this.#driver = driver;
    this.#epoch = epoch;
  }

  /** Waits until the driver under test leads. */
  static async of(trial: DriverTrial): Promise<Sequences> {
    return Sequences.on(trial.driver, await trial.lead());
  }

  /** Those of a driver that leads under an epoch. */
  static on(driver: ConsensusDriver, epoch: Epoch): Sequences {
    return new Sequences(driver, epoch);
  }

  /** The epoch under which ordinals are taken. */
  get epoch(): Epoch {
    return this.#epoch;
  }

  /** The next ordinal of one. */
  async next(key: string): Promise<bigint> {
    const next = await this.#driver.loadDenseSeq?.(key);
    assert.ok(next !== undefined, "the driver has no loadDenseSeq");
    return next;
  }

  /** Takes ordinals of one. */
  async take(key: string, count: number, options?: DriverCallOptions): Promise<bigint> {
    const start = await this.#driver.advanceDense?.({ key, count }, this.#epoch, options);
    assert.ok(start !== undefined, "the driver has no advanceDense");
    return start;
  }

  /** Takes ordinals of several, or of none. */
  async takeAll(
    requests: readonly SequenceRequest[],
    options?: DriverCallOptions,
  ): Promise<readonly bigint[]> {
    const starts = await this.#driver.advanceDenseBatch?.(requests, this.#epoch, options);
    assert.ok(starts !== undefined, "the driver has no advanceDenseBatch");
    return starts;
  }

  /** Takes 7 and gives up after some turns. */
  async takeAndGiveUp(turns: number): Promise<"taken" | "nothing" | "unknown"> {
    const stop = new AbortController();
    const reason = new DOMException("the caller gave up", "AbortError");
    const outcome = this.take("orders", 7, { signal: stop.signal }).then(
      () => "taken" as const,
      (error: unknown) => {
        if (error === reason) return "nothing" as const;
        assert.ok(consensusCodeOf(error) !== undefined, `threw ${error}`);
        return "unknown" as const;
      },
    );
    await settle(turns);
    stop.abort(reason);
    return await outcome;
  }
}
