// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { SeqUncertainError } from "../../../src/client/errors.ts";
import type { SequenceGrant } from "../../../src/client/grants.ts";
import type { BaseTsoClient } from "../../../src/client/tso_client.ts";
import { GapChecker } from "../../../src/testing/gap_checker.ts";
import type { HistoryCall } from "../../../src/testing/recorded_history.ts";
import { checkHistory } from "../../../src/testing/recorded_history.ts";
import type { FailedCall } from "./history.ts";

/** A block of ordinals that a caller received. */
export interface OrdinalCall extends HistoryCall {
  /** The sequence. */
  readonly key: string;
}

/**
 * Every block of ordinals that was asked for. All blocks of a sequence have one size, so that there is one way to lay
 * those of unknown outcome into gaps.
 */
export class Ordinals {
  readonly #calls: OrdinalCall[] = [];
  readonly #unknown = new Map<string, number>();
  readonly #failures: FailedCall[] = [];
  readonly #blockSize: number;

  /** Records blocks of this size. */
  constructor(blockSize: number) {
    this.#blockSize = blockSize;
  }

  /** The blocks that were received. */
  get calls(): readonly OrdinalCall[] {
    return this.#calls;
  }

  /** The calls that failed, those of unknown outcome included. */
  get failures(): readonly FailedCall[] {
    return this.#failures;
  }

  /** Takes a block of one sequence and records what becomes of the call; a failure is recorded and thrown. */
  async take(client: BaseTsoClient, key: string): Promise<void> {
    await this.#record([key], async () => [await client.getSeq(key, this.#blockSize)]);
  }

  /** Takes a block of each of several sequences in one call, as {@linkcode take}. */
  async takeAll(client: BaseTsoClient, keys: readonly string[]): Promise<void> {
    const requests = keys.map((key) => ({ key, count: this.#blockSize }));
    await this.#record(keys, async () => (await client.getSeqBatch(requests)).blocks);
  }

  /**
   * Fails if an ordinal came twice, an earlier call has a later one, or one is missing that no block of unknown
   * outcome accounts for.
   *
   * @param client asks where each sequence stands
   */
  async check(client: BaseTsoClient): Promise<void> {
    for (const key of new Set(this.#calls.map((call) => call.key))) {
      const calls = this.#calls.filter((call) => call.key === key);
      const [violation] = checkHistory(calls);
      assert.equal(violation, undefined, `${key} breaks a promise: ${Deno.inspect(violation)}`);
      const { start: final } = await client.getSeq(key, this.#blockSize);
      assert.deepEqual(this.#checkerOf(key, calls).check(final), [], key);
      this.#calls.push(this.#lookOf(key, final));
    }
  }

  async #record(
    keys: readonly string[],
    ask: () => Promise<readonly Pick<SequenceGrant, "start" | "count">[]>,
  ): Promise<void> {
    const startMs = performance.now();
    try {
      const blocks = await ask();
      const endMs = performance.now();
      for (const [index, { start, count }] of blocks.entries()) {
        this.#calls.push({ key: keys[index]!, startMs, endMs, firstPacked: start, count });
      }
    } catch (error) {
      this.#failures.push({ name: keys.join(), startMs, endMs: performance.now(), error });
      if (error instanceof SeqUncertainError) {
        for (const key of keys) this.#unknown.set(key, (this.#unknown.get(key) ?? 0) + 1);
      }
      throw error;
    }
  }

  #checkerOf(key: string, calls: readonly OrdinalCall[]): GapChecker {
    const checker = new GapChecker();
    for (const { firstPacked: start, count } of calls) checker.received({ start, count });
    for (let left = this.#unknown.get(key) ?? 0; left > 0; left--) checker.unknown(this.#blockSize);
    return checker;
  }

  /** To ask where a sequence stands takes a block. */
  #lookOf(key: string, start: bigint): OrdinalCall {
    const nowMs = performance.now();
    return { key, startMs: nowMs, endMs: nowMs, firstPacked: start, count: this.#blockSize };
  }
}
