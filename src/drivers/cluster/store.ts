// SPDX-License-Identifier: Apache-2.0

import type { PeerEndpoint } from "../../core/endpoint.ts";
import type { Epoch } from "../../core/epoch.ts";
import type { LeaseRecord } from "../../core/lease_table.ts";

/** The incarnation of a store that was never restored: its epochs are above those of an engine that counts from 0. */
export const FIRST_INCARNATION = 1n;

/** A term of leadership, as the engine knows it. */
export interface Term {
  /** Incarnation of the store in the upper half, number of the take-over in the lower one. */
  readonly epoch: Epoch;
  /** Who took it: the {@linkcode Claim.id} of the one take-over that began it. */
  readonly claimId: string;
  /** The service address of its holder. */
  readonly endpoint: PeerEndpoint;
}

/** What the engine says of the leadership at one moment. */
export interface Standing {
  /** The incarnation of the store, {@linkcode FIRST_INCARNATION} at first. A restore raises it. */
  readonly incarnation: bigint;
  /** The latest term; absent if nobody has led in this incarnation. */
  readonly term: Term | undefined;
  /**
   * Changes with each take-over and each heartbeat, and never comes again in an incarnation, whatever the engine lost
   * that it had not acknowledged; only equality means something.
   */
  readonly beat: string;
  /** Whether the holder of the latest term has given it up. */
  readonly resigned: boolean;
}

/** A wish to lead. */
export interface Claim {
  /** Differs for each attempt of each process, so that a take-over of unknown outcome is recognised. */
  readonly id: string;
  /** The service address of the candidate. */
  readonly endpoint: PeerEndpoint;
}

/** What a watch of the leadership brings. */
export type StandingNews =
  /** The standing has changed; this is the latest. */
  | { readonly kind: "standing"; readonly standing: Standing }
  /** Changes may have been missed: read again before the silence of the leader is believed. */
  | { readonly kind: "gap"; readonly cause: unknown };

/** Options of a call of the store. */
export interface StoreCallOptions {
  /** How long the call may take, in milliseconds. It then fails with {@linkcode TransientError}. */
  readonly timeoutMs: number;
  /** Fires when the caller no longer wants the result: the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Sequences of the store as they are durable. */
export interface StoredSequences {
  /** Changes with each write; only equality means something. */
  readonly version: string;
  /** The id of the write that made this version; absent if nothing was ever written. */
  readonly operationId: string | undefined;
  /** Each sequence with its next ordinal. */
  readonly counters: ReadonlyMap<string, bigint>;
}

/** A write of sequences. */
export interface SequenceWrite {
  /** The version that it replaces. */
  readonly version: string;
  /** Names the write, so that one of unknown outcome is recognised. */
  readonly operationId: string;
  /** The counters that move, each with its next ordinal. */
  readonly moved: ReadonlyMap<string, bigint>;
  /** All counters as they are after the write, the moved ones included. They may change once the call has settled. */
  readonly counters: ReadonlyMap<string, bigint>;
}

/** What became of a compare-and-swap: `conflict` means that another version is there, and nothing was written. */
export type SwapOutcome =
  | { readonly kind: "written"; readonly version: string }
  | { readonly kind: "conflict" };

/** Leases of the store as they are durable. */
export interface StoredLeases {
  /** Changes with each write; only equality means something. */
  readonly version: string;
  /** All leases. */
  readonly leases: readonly LeaseRecord[];
}

/** A replacement of all leases. */
export interface LeaseWrite {
  /** The version that it replaces. */
  readonly version: string;
  /** All leases from now on. */
  readonly leases: readonly LeaseRecord[];
}

/**
 * What a cluster driver asks of an engine. Each method is one step of the engine, atomic and durable; what several
 * steps mean together (elections, certainty, exactly once) is decided above, once for all engines.
 *
 * **Contract: every read is linearized**: it sees each write that was answered before the read began.
 *
 * **Contract: errors.** Only `ConsensusError`s are thrown, and the reason of the caller's signal. After a
 * {@linkcode TransientError} a write may have been made, or may be made later; after {@linkcode UnavailableError}
 * it was not and never will be.
 *
 * **Contract: bounded latency.** Each call settles within its `timeoutMs`, whatever the engine does.
 *
 * **Contract: the store knows no clock.** Nothing in it expires, and no time of the engine's is judged.
 */
export interface ClusterStore {
  /**
   * Makes what is missing of an empty store, once, and checks that the engine keeps what it acknowledges. Repeating it
   * is harmless, and several nodes may do it at a time.
   *
   * @throws {PermanentError} if the engine cannot be relied on, part of the store is missing, or its format is
   *   from a later release
   */
  prepare(options: StoreCallOptions): Promise<void>;

  /** The leadership as it is. */
  readStanding(options: StoreCallOptions): Promise<Standing>;

  /**
   * Changes of the leadership from here on. The first item is a `gap`, once changes from now on will be seen: a
   * standing read after it misses nothing. A lost connection is told by a `gap` as soon as it is noticed, mended
   * inside, and told by another `gap` once changes are seen again. News may be left out if later news of the same
   * kind follow. It ends by its signal only, by throwing its reason, or by {@linkcode PermanentError} if the engine
   * can no longer be relied on.
   */
  watchStanding(options: { readonly signal: AbortSignal }): AsyncIterable<StandingNews>;

  /**
   * Begins a new term if the standing is still the one seen: same incarnation, same term, same beat, or, if it was resigned,
   * same incarnation and term. The new term's epoch is above every earlier one.
   *
   * @returns the new standing, or `undefined` if another standing was found; then nothing was written
   */
  takeOver(seen: Standing, claim: Claim, options: StoreCallOptions): Promise<Standing | undefined>;

  /**
   * Writes a sign of life under a term. It does not undo a resignation.
   *
   * @throws {FencedError} {@linkcode NotLeaderError} if it is not the latest term; nothing was written
   */
  beat(epoch: Epoch, options: StoreCallOptions): Promise<void>;

  /**
   * Gives a term up, so that another node may begin the next one at once. Under another term nothing is written,
   * which is no error.
   */
  resign(epoch: Epoch, options: StoreCallOptions): Promise<void>;

  /**
   * The high-water in milliseconds.
   *
   * @throws {PermanentError} if there is none: it was made by `prepare` and cannot be missing
   */
  loadHighWater(options: StoreCallOptions): Promise<number>;

  /**
   * Raises the high-water to at least `atLeastMs`, under a term, and returns what is durable.
   *
   * @throws {FencedError} {@linkcode NotLeaderError} if it is not the latest term; nothing was written
   */
  persistHighWater(atLeastMs: number, epoch: Epoch, options: StoreCallOptions): Promise<number>;

  /** The next ordinal of one sequence, 0 if nothing was ever taken from it. */
  loadSequence(key: string, options: StoreCallOptions): Promise<bigint>;

  /** All sequences in one consistent read. */
  readSequences(options: StoreCallOptions): Promise<StoredSequences>;

  /**
   * Moves counters, under a term, if their version is still the given one.
   *
   * @throws {FencedError} {@linkcode NotLeaderError} if it is not the latest term; nothing was written
   */
  writeSequences(
    write: SequenceWrite,
    epoch: Epoch,
    options: StoreCallOptions,
  ): Promise<SwapOutcome>;

  /** All leases. */
  readLeases(options: StoreCallOptions): Promise<StoredLeases>;

  /**
   * Replaces all leases, under a term, if their version is still the given one.
   *
   * @throws {FencedError} {@linkcode NotLeaderError} if it is not the latest term; nothing was written
   */
  writeLeases(write: LeaseWrite, epoch: Epoch, options: StoreCallOptions): Promise<SwapOutcome>;

  /**
   * After the engine was restored from a backup, with no node running: raises the incarnation to at least
   * `atLeastMs`, and by one at least, and the high-water to at least `atLeastMs`, in one step, and leaves no term. So
   * every later epoch is above every epoch that was ever seen, those after an earlier restore of the same
   * backup included: each restore is given a number above all timestamps, and with them above all incarnations.
   *
   * @returns the incarnation and the high-water that are durable now
   */
  restore(atLeastMs: number, options: StoreCallOptions): Promise<RestoredStore>;

  /** Closes connections. Calls under way fail. It never rejects. */
  close(): Promise<void>;
}

/** What a restore has made durable. */
export interface RestoredStore {
  /** The new incarnation. */
  readonly incarnation: bigint;
  /** The high-water in milliseconds. */
  readonly highWaterMs: number;
}
