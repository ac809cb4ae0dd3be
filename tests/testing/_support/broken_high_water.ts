// SPDX-License-Identifier: Apache-2.0

/** Drivers that break one promise each: of the high-water, its deadline and its faults. */

import type { DriverCallOptions } from "../../../src/consensus/driver.ts";
import { PermanentError, TransientError } from "../../../src/consensus/errors.ts";
import { UINT64_MAX } from "../../../src/core/integer_limits.ts";
import type { LeaseRecord } from "../../../src/core/lease_table.ts";
import { PHYSICAL_MS_MAX } from "../../../src/core/timestamp.ts";
import type { SequenceRequest } from "../../../src/core/sequence.ts";
import { settle } from "../../../src/testing/manual_clock.ts";
import { ModelNode } from "./model_cluster.ts";

export class BeginsWithOne extends ModelNode {
  override async loadHighWater(): Promise<number> {
    return await super.loadHighWater() || 1;
  }
}

export class LoadsStaleValues extends ModelNode {
  #previousMs = 0;

  override async loadHighWater(): Promise<number> {
    const stale = this.#previousMs;
    this.#previousMs = await super.loadHighWater();
    return stale;
  }
}

export class LoadsWhatItKnows extends ModelNode {
  #knownMs: number | undefined;

  override async loadHighWater(): Promise<number> {
    this.#knownMs ??= await super.loadHighWater();
    return this.#knownMs;
  }

  override async persistHighWater(atLeastMs: number, epoch: bigint): Promise<number> {
    this.#knownMs = await super.persistHighWater(atLeastMs, epoch);
    return this.#knownMs;
  }
}

export class SetsInsteadOfMax extends ModelNode {
  #storedMs = 0;

  override loadHighWater(): Promise<number> {
    return Promise.resolve(this.#storedMs);
  }

  override async persistHighWater(atLeastMs: number, epoch: bigint): Promise<number> {
    await super.persistHighWater(atLeastMs, epoch);
    this.#storedMs = atLeastMs;
    return atLeastMs;
  }
}

export class EchoesTheRequest extends ModelNode {
  override async persistHighWater(atLeastMs: number, epoch: bigint): Promise<number> {
    await super.persistHighWater(atLeastMs, epoch);
    return atLeastMs;
  }
}

export class TakesAnyNumber extends ModelNode {
  override async persistHighWater(atLeastMs: number, epoch: bigint): Promise<number> {
    const kept = Number.isInteger(atLeastMs)
      ? Math.min(Math.max(atLeastMs, 0), PHYSICAL_MS_MAX)
      : 0;
    return await super.persistHighWater(kept, epoch);
  }
}

/** Writes, all of them, go to the memory of the node. */
export class ForgetsAtItsEnd extends ModelNode {
  #highWaterMs = 0;
  readonly #ordinals = new Map<string, bigint>();
  #leases: readonly LeaseRecord[] = [];

  override loadHighWater(): Promise<number> {
    return Promise.resolve(this.#highWaterMs);
  }

  override persistHighWater(atLeastMs: number): Promise<number> {
    this.#highWaterMs = Math.max(this.#highWaterMs, atLeastMs);
    return Promise.resolve(this.#highWaterMs);
  }

  override loadDenseSeq(key: string): Promise<bigint> {
    return Promise.resolve(this.#ordinals.get(key) ?? 0n);
  }

  override advanceDenseBatch(requests: readonly SequenceRequest[]): Promise<readonly bigint[]> {
    const starts = requests.map(({ key }) => this.#ordinals.get(key) ?? 0n);
    for (const [index, { key, count }] of requests.entries()) {
      this.#ordinals.set(key, (starts[index] ?? 0n) + BigInt(count));
    }
    return Promise.resolve(starts);
  }

  override loadLeases(): Promise<readonly LeaseRecord[]> {
    return Promise.resolve(this.#leases);
  }

  override persistLeases(leases: readonly LeaseRecord[]): Promise<void> {
    this.#leases = leases;
    return Promise.resolve();
  }
}

/** Acts under the epoch of now, whatever it is told. */
export class IgnoresEpochs extends ModelNode {
  override persistHighWater(atLeastMs: number): Promise<number> {
    return super.persistHighWater(atLeastMs, this.cluster.epoch);
  }

  override advanceDenseBatch(requests: readonly SequenceRequest[]): Promise<readonly bigint[]> {
    return super.advanceDenseBatch(requests, this.cluster.epoch);
  }

  override persistLeases(leases: readonly LeaseRecord[]): Promise<void> {
    return super.persistLeases(leases, this.cluster.epoch);
  }
}

/** Compares epochs as an engine does that has 64 bits for them. */
export class ComparesLowerHalves extends ModelNode {
  #folded(epoch: bigint): bigint {
    return this.cluster.epoch & ~UINT64_MAX | epoch & UINT64_MAX;
  }

  override persistHighWater(atLeastMs: number, epoch: bigint): Promise<number> {
    return super.persistHighWater(atLeastMs, this.#folded(epoch));
  }

  override advanceDenseBatch(
    requests: readonly SequenceRequest[],
    epoch: bigint,
    options?: DriverCallOptions,
  ): Promise<readonly bigint[]> {
    return super.advanceDenseBatch(requests, this.#folded(epoch), options);
  }

  override persistLeases(leases: readonly LeaseRecord[], epoch: bigint): Promise<void> {
    return super.persistLeases(leases, this.#folded(epoch));
  }
}

export class AnswersAllWithOneWrite extends ModelNode {
  #underWay: Promise<number> | undefined;

  override persistHighWater(atLeastMs: number, epoch: bigint): Promise<number> {
    this.#underWay ??= super.persistHighWater(atLeastMs, epoch).finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }
}

export class IsHarmedByWhoGivesUp extends ModelNode {
  override async persistHighWater(
    atLeastMs: number,
    epoch: bigint,
    options: DriverCallOptions = {},
  ): Promise<number> {
    await settle(5);
    const isGivenUp = options.signal?.aborted === true;
    return await super.persistHighWater(isGivenUp ? PHYSICAL_MS_MAX : atLeastMs, epoch);
  }
}

export class WaitsForEver extends ModelNode {
  override unanswered(): Promise<never> {
    return new Promise(() => {});
  }
}

export class TakesSilenceForConsent extends ModelNode {
  override async persistHighWater(atLeastMs: number, epoch: bigint): Promise<number> {
    return await super.persistHighWater(atLeastMs, epoch).catch((error) => {
      if (error instanceof TransientError) return atLeastMs;
      throw error;
    });
  }
}

/** Gives its engine up at the first fault. */
export class NeverConnectsAgain extends ModelNode {
  #isLost = false;

  override fault(): void {
    this.#isLost = true;
    super.fault();
  }

  override unanswered(): Promise<never> {
    this.#isLost = true;
    return super.unanswered();
  }

  override ask<T>(question: () => Promise<T>, options?: DriverCallOptions): Promise<T> {
    return this.#isLost ? super.unanswered() : super.ask(question, options);
  }
}

export class TakesFaultsForPermanent extends ModelNode {
  override faultError(): Error {
    return new PermanentError("the connection was lost");
  }
}

export class LetsForeignErrorsThrough extends ModelNode {
  override faultError(): Error {
    return new Error("read ECONNRESET");
  }
}
