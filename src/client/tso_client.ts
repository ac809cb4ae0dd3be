// SPDX-License-Identifier: Apache-2.0

import { onAbort } from "../core/abortable.ts";
import type { SequenceRequest } from "../core/sequence.ts";
import { checkClaim, checkLeaseId, checkSequence, checkSequences } from "./arguments.ts";
import type { LeaseClaim } from "./arguments.ts";
import type { ConnectChannel } from "./channels/channel.ts";
import { Coalescer } from "./batching/coalescer.ts";
import { checkSignal, checkTimeout } from "./batching/deadline.ts";
import { TsoClientError } from "./errors.ts";
import type {
  CallContext,
  LeaseGrant,
  SafePoint,
  SequenceBatchGrant,
  SequenceGrant,
} from "./grants.ts";
import { GuardedMetrics } from "./guarded_metrics.ts";
import type { HeldLease } from "./leases/held_lease.ts";
import type { HoldLeaseOptions } from "./leases/hold_options.ts";
import { LeaderCaller } from "./leader/leader_caller.ts";
import { LeaseHolder } from "./leases/lease_holder.ts";
import type { ClientCallOptions, ClientOptions } from "./options.ts";
import { resolveClientOptions } from "./settings.ts";
import { Timestamp } from "./timestamp.ts";
import { TimestampRange } from "./timestamp_range.ts";

/**
 * A client of a cluster of oracles. Share one per process: callers of the same moment then share a request.
 *
 * It connects when it is first used, finds the leader, follows it, and keeps no timestamp: each one it
 * returns was granted after its caller asked. Every method throws a `TsoClientError`, whose `code` says what
 * to do, or the reason of the signal that ended the wait; a call for ordinals whose request had left by then throws
 * a `SeqUncertainError` with that reason as its cause.
 */
export class BaseTsoClient implements AsyncDisposable {
  readonly #caller: LeaderCaller;
  readonly #coalescer: Coalescer;
  readonly #timeoutMs: number;
  readonly #leases: LeaseHolder;
  #closed: TsoClientError | undefined;

  /**
   * Makes a client that has no connection yet.
   *
   * @param connect opens channels unless the options say how
   * @throws {TsoClientError} `invalid-argument` naming the option, the rule and the value
   */
  constructor(options: ClientOptions, connect: ConnectChannel) {
    const given = resolveClientOptions(options, connect);
    const settings = { ...given, metrics: new GuardedMetrics(given.metrics) };
    const { clock, retry: { timeoutMs } } = settings;
    const takeEpoch = async (call: ClientCallOptions) => (await this.getTs(call)).toBigInt();
    this.#timeoutMs = timeoutMs;
    this.#caller = new LeaderCaller(settings);
    this.#coalescer = new Coalescer({ ...settings, source: this.#caller, timeoutMs });
    this.#leases = new LeaseHolder({ source: this.#caller, takeEpoch, clock, timeoutMs });
  }

  /** The leader that the next call goes to first, as `host:port`, if one is known. For diagnosis. */
  get cachedLeader(): string | undefined {
    return this.#caller.cachedLeader;
  }

  /**
   * Takes a timestamp: it is above every one that any call had returned, anywhere, before this call began.
   *
   * @throws {TsoClientError} see the codes
   */
  async getTs(options?: ClientCallOptions): Promise<Timestamp> {
    if (options !== undefined && hasLimits(options)) {
      const { block, offset } = await this.#coalescer.take(1, options);
      return new Timestamp(block, offset);
    }
    const batch = this.#coalescer.join(1);
    const offset = batch.count - 1;
    return new Timestamp(await batch.answer, offset);
  }

  /**
   * Takes consecutive timestamps of one millisecond.
   *
   * @param count 1 to 262,144
   * @throws {TsoClientError} see the codes
   */
  async getTsBatch(count: number, options: ClientCallOptions = {}): Promise<TimestampRange> {
    if (hasLimits(options)) {
      const { block, offset } = await this.#coalescer.take(count, options);
      return new TimestampRange(block, { offset, length: count });
    }
    const batch = this.#coalescer.join(count);
    const offset = batch.count - count;
    return new TimestampRange(await batch.answer, { offset, length: count });
  }

  /**
   * Takes the next ordinals of a sequence. They are spent for ever, so it is never repeated once it was sent.
   *
   * @param key 1 to 128 bytes of UTF-8
   * @param count 1 to the server's limit, which is 65,536 unless configured
   * @throws {SeqUncertainError} if the block may be spent, as after a signal that fired once the request had left
   * @throws {TsoClientError} if it is not spent; see the codes
   */
  async getSeq(key: string, count = 1, options: ClientCallOptions = {}): Promise<SequenceGrant> {
    const request = checkSequence({ key, count });
    return await this.#call(options, (call) => this.#caller.getSeq(request, call));
  }

  /**
   * Takes the next ordinals of several sequences in one step: all of them move, or none does.
   *
   * @param requests distinct keys; 1 to the server's limit, which is 128 unless configured
   * @throws {SeqUncertainError} if the blocks may be spent, as after a signal that fired once the request had left
   * @throws {TsoClientError} if they are not spent; see the codes
   */
  async getSeqBatch(
    requests: Iterable<SequenceRequest>,
    options: ClientCallOptions = {},
  ): Promise<SequenceBatchGrant> {
    const checked = checkSequences(requests);
    return await this.#call(options, (call) => this.#caller.getSeqBatch(checked, call));
  }

  /**
   * Asks for a safe point: no timestamp granted after this call lies at or below it. One attempt, at the
   * leader if it is known; a server that does not lead answers 0, which promises nothing.
   *
   * @throws {TsoClientError} see the codes
   */
  async getCurrentMaxSafe(options: ClientCallOptions = {}): Promise<SafePoint> {
    return await this.#call(options, (call) => this.#caller.currentMaxSafe(call));
  }

  /**
   * Asks for the smallest bound of all leases. One attempt, at the leader if it is known; a server that does
   * not lead answers 0, which promises nothing.
   *
   * @throws {TsoClientError} see the codes
   */
  async getSafeFrontier(options: ClientCallOptions = {}): Promise<SafePoint> {
    return await this.#call(options, (call) => this.#caller.safeFrontier(call));
  }

  /**
   * Acquires a lease, with one attempt. The same holder and epoch get their live lease again, unchanged.
   * `holdLease` does this, repeats it, and renews.
   *
   * @throws {TsoClientError} see the codes
   */
  async acquireLease(claim: LeaseClaim, options: ClientCallOptions = {}): Promise<LeaseGrant> {
    const request = checkClaim(claim);
    return await this.#call(options, (call) => this.#caller.acquireLease(request, call));
  }

  /**
   * Renews a lease, with one attempt, for the `ttlMs` of its acquisition.
   *
   * @throws {TsoClientError} see the codes
   */
  async renewLease(leaseId: number, options: ClientCallOptions = {}): Promise<LeaseGrant> {
    const id = checkLeaseId(leaseId);
    return await this.#call(options, (call) => this.#caller.renewLease(id, call));
  }

  /**
   * Ends a lease, with one attempt. One that is unknown or has expired is as good as released.
   *
   * @throws {TsoClientError} see the codes
   */
  async releaseLease(leaseId: number, options: ClientCallOptions = {}): Promise<void> {
    const id = checkLeaseId(leaseId);
    await this.#call(options, (call) => this.#caller.releaseLease(id, call));
  }

  /**
   * Acquires a lease and renews it at a third of its ttl until it is released or lost. Both are repeated
   * while the leader changes. Its `signal` fires before it can be trusted no more.
   *
   * @param holder who holds it: 1 to 128 bytes, compared byte by byte; a text counts as its UTF-8
   * @throws {TsoClientError} `refused` if a higher epoch holds it; see the codes
   */
  async holdLease(holder: string | Uint8Array, options: HoldLeaseOptions): Promise<HeldLease> {
    return await this.#leases.hold(holder, options);
  }

  /**
   * Fails all callers with `closed`, releases the leases that are held as far as the server can be reached,
   * ends what is under way, and closes the connections. Never rejects.
   */
  async close(): Promise<void> {
    this.#closed ??= new TsoClientError("closed", "Cannot ask: the client was closed");
    this.#coalescer.close(this.#closed);
    await this.#leases.close(this.#closed);
    this.#caller.close();
  }

  /** Closes the client. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #call<T>(
    options: ClientCallOptions,
    ask: (call: CallContext) => Promise<T>,
  ): Promise<T> {
    const { timeoutMs = this.#timeoutMs } = options;
    const signal = checkSignal(options.signal);
    if (this.#closed !== undefined) throw this.#closed;
    checkTimeout(timeoutMs);
    signal?.throwIfAborted();
    // A signal of its own: one that many calls share has one listener, and not one of each.
    const call = new AbortController();
    const stopListening = signal && onAbort(signal, () => call.abort(signal.reason));
    try {
      return await ask({ signal: call.signal, timeoutMs });
    } finally {
      stopListening?.();
    }
  }
}

function hasLimits({ signal, timeoutMs }: ClientCallOptions): boolean {
  return signal !== undefined || timeoutMs !== undefined;
}
