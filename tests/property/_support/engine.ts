// SPDX-License-Identifier: Apache-2.0

import { checkAdvance, FencedError } from "../../../src/consensus/errors.ts";
import { takeSequences } from "../../../src/consensus/take_sequences.ts";
import type { LeaseRecord } from "../../../src/core/lease_table.ts";
import type { SequenceRequest } from "../../../src/core/sequence.ts";
import { SequenceCounters } from "../../../src/core/sequence_counters.ts";

/** How an engine lets leadership pass from one node to another. */
export type Handover =
  /** A standby may take over at any moment; the leader hears of it whenever it does. */
  | { readonly kind: "at-will" }
  /** A standby may take over only after `leaseMs` of silence from the leader. */
  | { readonly kind: "lease"; readonly leaseMs: number };

/** A promise of the driver contract that a made-up engine can be made to break, to see that it is noticed. */
export type Flaw =
  /** A standby can be elected before the lease is over. */
  | "hands-over-early"
  /** Writes of every epoch are taken. */
  | "does-not-fence"
  /** An old epoch can write until the new leader has written. */
  | "fences-at-the-first-write"
  /** A read may miss the latest write. */
  | "reads-the-write-before"
  /** Replacements of leases are taken from every epoch. */
  | "does-not-fence-leases"
  /** A replacement of leases that is late undoes one that was sent after it. */
  | "replaces-out-of-order"
  /** A message that comes twice takes two blocks of a sequence. */
  | "takes-twice";

/** A replacement of all leases, and where it stands among those of its epoch. */
export interface Replacement {
  readonly leases: readonly LeaseRecord[];
  readonly epoch: bigint;
  readonly number: number;
}

/** How many sequences the engine holds. */
const MAX_SEQUENCE_KEYS = 2;

/** Options of {@linkcode Engine}. */
export interface EngineOptions {
  readonly handover: Handover;
  /** Absent: an engine that keeps the contract. */
  readonly flaw?: Flaw | undefined;
  /** Runs when a node has been elected. */
  readonly onElected: (node: number, epoch: bigint) => void;
  /** Runs when leases have become durable. */
  readonly onReplaced: (leases: readonly LeaseRecord[]) => void;
}

/**
 * The shared part of a made-up engine: one durable high-water, sequences, leases and one leader, on one true
 * clock. An election fences the store at once, before the winner hears of it.
 */
export class Engine {
  readonly #handover: Handover;
  readonly #flaw: Flaw | undefined;
  readonly #onElected: (node: number, epoch: bigint) => void;
  readonly #onReplaced: (leases: readonly LeaseRecord[]) => void;
  readonly #counters = new SequenceCounters(MAX_SEQUENCE_KEYS);
  #replacement: Replacement = { leases: [], epoch: 0n, number: 0 };
  #highWaterMs = 0;
  #beforeMs = 0;
  #epoch = 0n;
  #writer = 0n;
  #leader: number | undefined;
  #expiresMs = -Infinity;

  constructor({ handover, flaw, onElected, onReplaced }: EngineOptions) {
    this.#handover = handover;
    this.#flaw = flaw;
    this.#onElected = onElected;
    this.#onReplaced = onReplaced;
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
    if (trueMs < this.#expiresMs && this.#flaw !== "hands-over-early") return undefined;
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

  /** Lets a standby take over at once, if `epoch` is still the newest. Its writes are taken until one does. */
  resign(epoch: bigint, trueMs: number): void {
    if (epoch === this.#epoch) this.#expiresMs = Math.min(this.#expiresMs, trueMs);
  }

  /** Reads the high-water. */
  load(): number {
    return this.#flaw === "reads-the-write-before" ? this.#beforeMs : this.#highWaterMs;
  }

  /** Raises the high-water, fenced by the newest epoch. */
  persist(atLeastMs: number, epoch: bigint): number {
    checkAdvance(atLeastMs);
    if (this.#refuses(epoch)) throw new FencedError(epoch, this.#epoch);
    this.#writer = epoch;
    this.#beforeMs = this.#highWaterMs;
    this.#highWaterMs = Math.max(this.#highWaterMs, atLeastMs);
    return this.#highWaterMs;
  }

  /** Whether a message that comes twice counts once. */
  get recognisesRepeats(): boolean {
    return this.#flaw !== "takes-twice";
  }

  /** The next ordinal of a sequence. */
  nextOrdinal(key: string): bigint {
    return this.#counters.next(key);
  }

  /** Takes a block of each sequence, fenced by the newest epoch. */
  advance(requests: readonly SequenceRequest[], epoch: bigint): readonly bigint[] {
    if (this.#refuses(epoch)) throw new FencedError(epoch, this.#epoch);
    return takeSequences(this.#counters, requests);
  }

  /** Reads the leases. */
  loadLeases(): readonly LeaseRecord[] {
    return this.#replacement.leases;
  }

  /** Replaces the leases, fenced by the newest epoch, and within an epoch in the order of sending. */
  replaceLeases(replacement: Replacement): void {
    const { epoch, number } = replacement;
    const isFenced = this.#flaw !== "does-not-fence-leases" && this.#refuses(epoch);
    if (isFenced) throw new FencedError(epoch, this.#epoch);
    const { epoch: lastEpoch, number: last } = this.#replacement;
    const isLate = epoch === lastEpoch && number < last;
    if (isLate && this.#flaw !== "replaces-out-of-order") return;
    this.#replacement = replacement;
    this.#onReplaced(replacement.leases);
  }

  #refuses(epoch: bigint): boolean {
    if (this.#flaw === "does-not-fence") return false;
    if (this.#flaw === "fences-at-the-first-write") return epoch < this.#writer;
    return epoch !== this.#epoch;
  }

  #prolong(trueMs: number): void {
    if (this.#handover.kind === "lease") this.#expiresMs = trueMs + this.#handover.leaseMs;
  }
}
