// SPDX-License-Identifier: Apache-2.0

import type { PeerEndpoint } from "../core/endpoint.ts";
import type { Epoch } from "../core/epoch.ts";
import type { LeaseRecord } from "../core/lease_table.ts";
import type { SequenceRequest } from "../core/sequence.ts";

/** This node leads under `epoch`. */
export interface LeaderEvent {
  /** Tells the events apart. */
  readonly kind: "leader";
  /** The term, at or above every epoch reported before. The same epoch again confirms the leadership. */
  readonly epoch: Epoch;
  /**
   * Until when this node is certain to lead, in milliseconds of the monotonic clock that the driver was
   * given. It is read afresh at each grant, so a renewal only has to move what it returns. Past it the
   * oracle answers not-leader, changes nothing and starts no refill; once the driver moves it forward,
   * serving resumes without a fence. It must be cheap and must not throw; a throw counts
   * as doubt. Absent: always certain, or, in a confirmation, as certain as before.
   *
   * **Contract: a standby may lead only after this moment.** The value must lie before the instant, on
   * any clock, at which another node can become leader.
   */
  readonly certainUntil?: (() => number) | undefined;
}

/** Another node leads, or may lead. */
export interface FollowerEvent {
  /** Tells the events apart. */
  readonly kind: "follower";
  /** The leader's public service address, never its consensus address. Absent if not known. */
  readonly leaderEndpoint?: PeerEndpoint | undefined;
  /** The leader's epoch. Absent if not known; it never goes back. */
  readonly leaderEpoch?: Epoch | undefined;
}

/** Nothing is known yet, or the engine cannot be reached. */
export interface UnknownEvent {
  /** Tells the events apart. */
  readonly kind: "unknown";
}

/** What a driver says about leadership. */
export type LeadershipEvent = LeaderEvent | FollowerEvent | UnknownEvent;

/** Options of every driver call that waits. */
export interface DriverCallOptions {
  /** Fires when the caller no longer wants the result. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * What the oracle asks of an engine: who leads, and one durable number that only grows.
 *
 * **Contract: safety rests on two promises.** `loadHighWater` sees every write that any earlier leader was
 * told is durable, and a write under an epoch that has been superseded changes nothing. Everything else
 * here is about liveness.
 *
 * **Contract: cancel-safety.** A caller may stop waiting for a load or a persist at any moment. The store
 * must not be corrupted by that; a write already submitted may still become durable, and must then obey
 * the fence and the maximum like any other.
 *
 * **Contract: bounded latency.** A call settles within a deadline of the driver's own, with
 * {@linkcode TransientError} when the engine did not answer. The fence waits for writes of the prior epoch
 * to settle, so a call that never settles keeps the node from serving.
 *
 * **Contract: errors.** Only the classes of `ConsensusError` are thrown. Anything else is taken for a
 * permanent fault and stops the node.
 */
export interface ConsensusDriver {
  /**
   * The leadership of this node, for as long as the oracle lives. One consumer at a time.
   *
   * **Contract: no event is lost to another consumer.** A second stream, opened while the signal of the first has
   * not fired, is refused with {@linkcode PermanentError} and the first goes on, or both say everything.
   *
   * **Contract: the first item is the current state** and is ready without waiting for the engine
   * (`unknown` if nothing is known yet).
   *
   * **Contract: epochs never go back** over the items of a stream; items without an epoch do not count.
   *
   * **Contract: it ends by its signal only.** The oracle keeps one pending `next()` and never calls
   * `return()` while it waits, because `return()` would queue behind it. When the signal fires the stream
   * ends, by `done` or by throwing the signal's reason. An end without the signal is taken for a broken
   * driver: the oracle stops serving for good and reports it.
   *
   * @param options.signal ends the stream
   */
  leadershipEvents(options: { readonly signal: AbortSignal }): AsyncIterable<LeadershipEvent>;

  /**
   * The durable high-water in milliseconds, 0 if none was ever written.
   *
   * **Contract: linearized.** It sees every persist of any epoch that returned before this call began.
   *
   * @throws {ConsensusError} see the class of each code
   */
  loadHighWater(options?: DriverCallOptions): Promise<number>;

  /**
   * Raises the durable high-water to at least `atLeastMs` and returns what is durable now.
   *
   * **Contract: durable before it resolves**, so that a crash of any machine that the engine tolerates
   * does not undo it.
   *
   * **Contract: at least, never set.** The stored value becomes `max(stored, atLeastMs)`; a lower request
   * is answered with the stored value and is no error.
   *
   * **Contract: fenced.** Under an epoch that is no longer the newest the store is left unchanged and
   * {@linkcode FencedError} or {@linkcode NotLeaderError} is thrown. An epoch is overtaken by the election
   * of the next one, before the leader event for that is yielded, and not only by its first write: an old
   * write that lands between the new leader's load and its persist would make both issue the same values.
   *
   * @param atLeastMs milliseconds since the Unix epoch, 0 to 2^46 - 1
   * @param epoch the epoch of the leader event under which the caller acts
   * @throws {AdvanceOutOfRangeError} if `atLeastMs` is out of range; nothing was written
   * @throws {ConsensusError} see the class of each code
   */
  persistHighWater(atLeastMs: number, epoch: Epoch, options?: DriverCallOptions): Promise<number>;

  /**
   * The next ordinal of a sequence, 0 if nothing was ever taken from it. Optional, like the two methods
   * after it: without them the oracle answers that sequences are not supported.
   *
   * **Contract: linearized**, as {@linkcode loadHighWater}.
   */
  loadDenseSeq?(key: string, options?: DriverCallOptions): Promise<bigint>;

  /**
   * Takes the next `count` ordinals of a sequence and returns the first of them.
   *
   * **Contract: exactly once.** A call that returns moved the counter once and durably; a call that throws
   * one of the refusals below, or the signal's reason, moved nothing; after any other error the outcome is
   * not known, to the driver either, and the driver does not try again. The signal counts only until the
   * call is submitted to the engine.
   *
   * **Contract: fenced**, as {@linkcode persistHighWater}.
   *
   * @throws {SequenceKeyLimitError} if the key is new and the store holds as many as it may
   * @throws {SequenceOverflowError} if the counter would pass 2^64 - 1
   * @throws {NotLeaderError} {@linkcode FencedError} if the epoch is not the newest; nothing was taken
   * @throws {UnavailableError} if the driver did not begin; nothing was taken, and nothing will be
   * @throws {ConsensusError} of another code: the outcome is not known
   */
  advanceDense?(
    request: SequenceRequest,
    epoch: Epoch,
    options?: DriverCallOptions,
  ): Promise<bigint>;

  /**
   * {@linkcode advanceDense} for several distinct keys as one step: all counters move, or none does.
   *
   * @returns the first ordinal of each, in the order of the requests
   */
  advanceDenseBatch?(
    requests: readonly SequenceRequest[],
    epoch: Epoch,
    options?: DriverCallOptions,
  ): Promise<readonly bigint[]>;

  /**
   * All leases, expired ones included, in no particular order. Optional, together with
   * {@linkcode persistLeases}: without the two the oracle answers that leases are not supported.
   *
   * **Contract: linearized**, as {@linkcode loadHighWater}.
   */
  loadLeases?(options?: DriverCallOptions): Promise<readonly LeaseRecord[]>;

  /**
   * Replaces the whole set of leases in one step. Repeating it is harmless.
   *
   * **Contract: durable before it resolves, and fenced**, as {@linkcode persistHighWater}: a replacement
   * that an overtaken leader sent must not drop what its successor has granted.
   *
   * The oracle sends no lease whose bound is above the high-water that it has made durable, so a driver may take
   * such a lease, when it opens its store, for proof that the high-water was lost.
   *
   * **Contract: in the order of the calls.** A replacement that was answered with an error may still take
   * effect, but no more once a later one of the same epoch has been answered: the epoch does not tell the
   * two apart, and what the later one granted would be lost. {@linkcode UnavailableError} alone means that it
   * will never take effect.
   */
  persistLeases?(
    leases: readonly LeaseRecord[],
    epoch: Epoch,
    options?: DriverCallOptions,
  ): Promise<void>;

  /**
   * Gives up the leadership for good, so that another node can lead at once, and waits until one does. Optional: an
   * engine that admits one node has nobody to hand over to. The oracle calls it once it has stopped granting.
   *
   * **Contract: certainty first.** From the moment of the call `certainUntil` lies in the past, and nothing is
   * written about the resignation before that and before heartbeats under way have settled.
   *
   * **Contract: events go on.** The stream reports the successor as a follower event. This driver does not lead again.
   *
   * @param options.signal ends the wait for a successor
   * @returns whether a successor is known. On a node that did not lead it returns what is known at once
   */
  resign?(options: { readonly signal: AbortSignal }): Promise<boolean>;
}
