// SPDX-License-Identifier: Apache-2.0

import type { Epoch } from "../core/epoch.ts";
import { isPhysicalMs, PHYSICAL_MS_MAX } from "../core/timestamp.ts";

/** What a {@linkcode ConsensusError} means to the oracle. */
export type ConsensusErrorCode =
  | "not-leader"
  | "fenced"
  | "transient"
  | "unavailable"
  | "permanent"
  | "advance-out-of-range"
  | "sequence-key-limit"
  | "sequence-overflow";

/**
 * A fault of a driver. Everything that a driver throws and that is not a `ConsensusError` counts as
 * permanent, because the oracle cannot know better.
 */
export abstract class ConsensusError extends Error {
  /** What the fault means. */
  abstract readonly code: ConsensusErrorCode;
}

const NAMES: Readonly<Record<string, ConsensusErrorCode>> = {
  NotLeaderError: "not-leader",
  FencedError: "fenced",
  TransientError: "transient",
  UnavailableError: "unavailable",
  PermanentError: "permanent",
  AdvanceOutOfRangeError: "advance-out-of-range",
  SequenceKeyLimitError: "sequence-key-limit",
  SequenceOverflowError: "sequence-overflow",
};

/**
 * What an error means to the oracle, also if its class comes from another copy of this package, as when a
 * driver is installed from another registry than the oracle.
 *
 * @returns its code, or `undefined` if it is not a consensus error
 */
export function consensusCodeOf(error: unknown): ConsensusErrorCode | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  const code = NAMES[error.name];
  return code === error.code ? code : undefined;
}

/** This node is not the leader: the write was refused. The oracle steps down and waits for an event. */
export class NotLeaderError extends ConsensusError {
  /** What the fault means. */
  override readonly code = "not-leader" as const;

  /** Makes the error; `options.cause` keeps what the engine said. */
  constructor(message = "this node is not the leader", options?: ErrorOptions) {
    super(message, options);
    this.name = "NotLeaderError";
  }
}

/** A newer epoch holds the store: the write was refused. Handled as not-leader, and names the epoch seen. */
export class FencedError extends ConsensusError {
  /** What the fault means. */
  override readonly code = "fenced" as const;
  /** The epoch that the write carried. */
  readonly expected: Epoch;
  /** The epoch found in the store, where the engine tells. */
  readonly current: Epoch | undefined;

  /** Makes the error from the epoch of the write and the epoch found. */
  constructor(expected: Epoch, current?: Epoch, options?: ErrorOptions) {
    super(`the write carried epoch ${expected}, the store holds ${current ?? "another"}`, options);
    this.name = "FencedError";
    this.expected = expected;
    this.current = current;
  }
}

/** A fault that may pass: a time-out, a lost connection, an election. The fence retries it for ever. */
export class TransientError extends ConsensusError {
  /** What the fault means. */
  override readonly code = "transient" as const;

  /** Makes the error; `options.cause` keeps what the engine said. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TransientError";
  }
}

/**
 * The driver did not begin with the call: nothing was changed by it, and nothing will be. For a call whose other
 * faults leave the outcome unknown, such as one that takes ordinals, this one is a promise. Elsewhere it is
 * handled as transient.
 */
export class UnavailableError extends ConsensusError {
  /** What the fault means. */
  override readonly code = "unavailable" as const;

  /** Makes the error; `options.cause` keeps what stood in the way. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UnavailableError";
  }
}

/** A fault that does not pass by itself: a broken disk, a corrupt record, a refused password. */
export class PermanentError extends ConsensusError {
  /** What the fault means. */
  override readonly code = "permanent" as const;

  /** Makes the error; `options.cause` keeps what the engine said. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PermanentError";
  }
}

/** A high-water beyond the 46-bit range was asked for. Nothing was written. */
export class AdvanceOutOfRangeError extends ConsensusError {
  /** What the fault means. */
  override readonly code = "advance-out-of-range" as const;
  /** The refused high-water in milliseconds. */
  readonly atLeastMs: number;

  /** Makes the error from the refused high-water. */
  constructor(atLeastMs: number) {
    super(
      `Cannot advance the high-water to ${atLeastMs}: it must be a whole number from 0 to ${PHYSICAL_MS_MAX}`,
    );
    this.name = "AdvanceOutOfRangeError";
    this.atLeastMs = atLeastMs;
  }
}

/** The key is new and the store holds as many as it may. Nothing was taken from any sequence. */
export class SequenceKeyLimitError extends ConsensusError {
  /** What the fault means. */
  override readonly code = "sequence-key-limit" as const;
  /** How many keys the store may hold. */
  readonly limit: number;

  /** Makes the error from the limit. */
  constructor(limit: number) {
    super(`dense key cardinality cap ${limit} reached`);
    this.name = "SequenceKeyLimitError";
    this.limit = limit;
  }
}

/** The counter would pass 2^64 - 1. Nothing was taken from any sequence. */
export class SequenceOverflowError extends ConsensusError {
  /** What the fault means. */
  override readonly code = "sequence-overflow" as const;
  /** The sequence. */
  readonly key: string;

  /** Makes the error from the key, the next ordinal and the number asked for. */
  constructor(key: string, next: bigint, count: number) {
    super(
      `dense counter overflow: ${JSON.stringify(key)} is at ${next} and cannot give ${count} more`,
    );
    this.name = "SequenceOverflowError";
    this.key = key;
  }
}

/**
 * The guard that every driver puts before a write, so that nothing beyond 46 bits becomes durable.
 *
 * @param atLeastMs the high-water asked for, in milliseconds
 * @throws {AdvanceOutOfRangeError} if it is not a whole number from 0 to 2^46 - 1
 */
export function checkAdvance(atLeastMs: number): void {
  if (!isPhysicalMs(atLeastMs)) throw new AdvanceOutOfRangeError(atLeastMs);
}
