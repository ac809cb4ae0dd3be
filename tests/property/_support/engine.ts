// SPDX-License-Identifier: Apache-2.0

import { checkAdvance, FencedError } from "../../../src/consensus/errors.ts";

/** How an engine lets leadership pass from one node to another. */
export type Handover =
  /** A standby may take over at any moment; the leader hears of it whenever it does. */
  | { readonly kind: "at-will" }
  /** A standby may take over only after `leaseMs` of silence from the leader. */
  | { readonly kind: "lease"; readonly leaseMs: number };

/**
 * The shared part of a made-up engine: one durable high-water and one leader, on one true clock. An election
 * fences the store at once, before the winner hears of it.
 */
export class Engine {
  readonly #handover: Handover;
  readonly #onElected: (node: number, epoch: bigint) => void;
  #highWaterMs = 0;
  #epoch = 0n;
  #leader: number | undefined;
  #expiresMs = -Infinity;

  constructor(handover: Handover, onElected: (node: number, epoch: bigint) => void) {
    this.#handover = handover;
    this.#onElected = onElected;
  }

  get highWaterMs(): number {
    return this.#highWaterMs;
  }

  get epoch(): bigint {
    return this.#epoch;
  }

  get leader(): number | undefined {
    return this.#leader;
  }

  /** When a standby may take over, in true time. */
  get expiresMs(): number {
    return this.#expiresMs;
  }

  /** Makes `node` the leader if it may; returns its epoch. */
  elect(node: number, trueMs: number): bigint | undefined {
    if (trueMs < this.#expiresMs) return undefined;
    this.#epoch += 1n;
    this.#leader = node;
    this.#prolong(trueMs);
    this.#onElected(node, this.#epoch);
    return this.#epoch;
  }

  /** Takes a heartbeat of the leader of `epoch`; returns whether it still leads. */
  renew(epoch: bigint, trueMs: number): boolean {
    if (epoch !== this.#epoch) return false;
    this.#prolong(trueMs);
    return true;
  }

  /** Raises the high-water, fenced by the newest epoch. */
  persist(atLeastMs: number, epoch: bigint): number {
    checkAdvance(atLeastMs);
    if (epoch !== this.#epoch) throw new FencedError(epoch, this.#epoch);
    this.#highWaterMs = Math.max(this.#highWaterMs, atLeastMs);
    return this.#highWaterMs;
  }

  #prolong(trueMs: number): void {
    if (this.#handover.kind === "lease") this.#expiresMs = trueMs + this.#handover.leaseMs;
  }
}
