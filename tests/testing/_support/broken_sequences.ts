// SPDX-License-Identifier: Apache-2.0

/** Drivers that break one promise of sequences each. */

import type { DriverCallOptions } from "../../../src/consensus/driver.ts";
import { TransientError } from "../../../src/consensus/errors.ts";
import type { SequenceRequest } from "../../../src/core/sequence.ts";
import { settle } from "../../../src/testing/manual_clock.ts";
import { ModelNode } from "./model_cluster.ts";

type Requests = readonly SequenceRequest[];

export class LacksABatch extends ModelNode {
  static {
    Object.defineProperty(LacksABatch.prototype, "advanceDenseBatch", { value: undefined });
  }
}

export class ForgetsABlock extends ModelNode {
  override async advanceDenseBatch(
    requests: Requests,
    epoch: bigint,
    options?: DriverCallOptions,
  ): Promise<readonly bigint[]> {
    await super.advanceDenseBatch(requests, epoch, options);
    return await super.advanceDenseBatch(requests, epoch, options);
  }
}

export class FoldsKeys extends ModelNode {
  override loadDenseSeq(key: string): Promise<bigint> {
    return super.loadDenseSeq(key.normalize());
  }

  override advanceDenseBatch(
    requests: Requests,
    epoch: bigint,
    options?: DriverCallOptions,
  ): Promise<readonly bigint[]> {
    const folded = requests.map(({ key, count }) => ({ key: key.normalize(), count }));
    return super.advanceDenseBatch(folded, epoch, options);
  }
}

export class AnswersInTheOrderOfKeys extends ModelNode {
  override advanceDenseBatch(
    requests: Requests,
    epoch: bigint,
    options?: DriverCallOptions,
  ): Promise<readonly bigint[]> {
    const sorted = requests.toSorted((one, other) => one.key < other.key ? -1 : 1);
    return super.advanceDenseBatch(sorted, epoch, options);
  }
}

export class SharesBlocks extends ModelNode {
  #shared: Promise<readonly bigint[]> | undefined;

  override advanceDenseBatch(
    requests: Requests,
    epoch: bigint,
    options?: DriverCallOptions,
  ): Promise<readonly bigint[]> {
    this.#shared ??= super.advanceDenseBatch(requests, epoch, options).finally(() => {
      this.#shared = undefined;
    });
    return this.#shared;
  }
}

export class IgnoresSignals extends ModelNode {
  override advanceDenseBatch(requests: Requests, epoch: bigint): Promise<readonly bigint[]> {
    return super.advanceDenseBatch(requests, epoch);
  }
}

export class ForgetsWhoGaveUp extends ModelNode {
  override async advanceDenseBatch(
    requests: Requests,
    epoch: bigint,
    options: DriverCallOptions = {},
  ): Promise<readonly bigint[]> {
    const starts = await super.advanceDenseBatch(requests, epoch, options);
    await settle(10);
    options.signal?.throwIfAborted();
    return starts;
  }
}

export class TakesHalfOfABatch extends ModelNode {
  override async advanceDenseBatch(
    requests: Requests,
    epoch: bigint,
    options?: DriverCallOptions,
  ): Promise<readonly bigint[]> {
    const starts: bigint[] = [];
    for (const request of requests) {
      starts.push(...await super.advanceDenseBatch([request], epoch, options));
    }
    return starts;
  }
}

/** Sends again what was not answered, as if that had not been done. */
export class TriesAgain extends ModelNode {
  readonly #unanswered: Array<() => Promise<unknown>> = [];

  override async advanceDenseBatch(
    requests: Requests,
    epoch: bigint,
    options?: DriverCallOptions,
  ): Promise<readonly bigint[]> {
    const take = () => super.advanceDenseBatch(requests, epoch, options);
    return await take().catch((error) => {
      if (error instanceof TransientError) this.#unanswered.push(take);
      throw error;
    });
  }

  override async persistHighWater(atLeastMs: number, epoch: bigint): Promise<number> {
    const durableMs = await super.persistHighWater(atLeastMs, epoch);
    for (const take of this.#unanswered.splice(0)) await take();
    return durableMs;
  }
}

/** Asks the engine once for the next ordinal, and then believes itself. */
export class CountsByItself extends ModelNode {
  readonly #known = new Map<string, bigint>();

  override async loadDenseSeq(key: string): Promise<bigint> {
    const next = this.#known.get(key) ?? await super.loadDenseSeq(key);
    this.#known.set(key, next);
    return next;
  }

  override async advanceDenseBatch(requests: Requests, epoch: bigint): Promise<readonly bigint[]> {
    const starts = await Promise.all(requests.map(({ key }) => this.loadDenseSeq(key)));
    await super.advanceDenseBatch(requests, epoch);
    for (const [index, { key, count }] of requests.entries()) {
      this.#known.set(key, (starts[index] ?? 0n) + BigInt(count));
    }
    return starts;
  }
}
