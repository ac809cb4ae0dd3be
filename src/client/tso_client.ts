// SPDX-License-Identifier: Apache-2.0

import type { SequenceRequest } from "../core/sequence.ts";
import { checkClaim, checkLeaseId, checkSequence, checkSequences } from "./arguments.ts";
import type { LeaseClaim } from "./arguments.ts";
import type { ConnectChannel } from "./channel.ts";
import { Coalescer } from "./coalescer.ts";
import { checkTimeout } from "./deadline.ts";
import { TsoClientError } from "./errors.ts";
import type {
  CallContext,
  LeaseGrant,
  SafePoint,
  SequenceBatchGrant,
  SequenceGrant,
} from "./grants.ts";
import { GuardedMetrics } from "./guarded_metrics.ts";
import { LeaderCaller } from "./leader_caller.ts";
import type { ClientCallOptions, ClientOptions } from "./options.ts";
import { resolveClientOptions } from "./settings.ts";
import { Timestamp } from "./timestamp.ts";
import { TimestampRange } from "./timestamp_range.ts";

/**
 * A client of a cluster of oracles. Share one per process: callers of the same moment then share a request.
 *
 * It connects when it is first used, finds the leader, follows it, and keeps no timestamp: each one it
 * returns was granted after its caller asked. Every method throws a `TsoClientError`, whose `code` says what
 * to do, or the reason of the signal that ended the wait.
 */
export class BaseTsoClient implements AsyncDisposable {
  readonly #caller: LeaderCaller;
  readonly #coalescer: Coalescer;
  readonly #timeoutMs: number;
  readonly #closing = new AbortController();

  /**
   * Makes a client that has no connection yet.
   *
   * @param connect opens channels unless the options say how
   * @throws {TsoClientError} `invalid-argument` naming the option, the rule and the value
   */
  constructor(options: ClientOptions, connect: ConnectChannel) {
    const given = resolveClientOptions(options, connect);
    const settings = { ...given, metrics: new GuardedMetrics(given.metrics) };
    const { timeoutMs } = settings.retry;
    this.#timeoutMs = timeoutMs;
    this.#caller = new LeaderCaller(settings);
    this.#coalescer = new Coalescer({ ...settings, source: this.#caller, timeoutMs });
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
   * @throws {SeqUncertainError} if the block may be spent; the client does not know
   * @throws {TsoClientError} if it is not spent; see the codes
   */
  async getSeq(key: string, count = 1, options: ClientCallOptions = {}): Promise<SequenceGrant> {
    return await this.#caller.getSeq(checkSequence({ key, count }), this.#context(options));
  }

  /**
   * Takes the next ordinals of several sequences in one step: all of them move, or none does.
   *
   * @param requests distinct keys; 1 to the server's limit, which is 128 unless configured
   * @throws {SeqUncertainError} if the blocks may be spent; the client does not know
   * @throws {TsoClientError} if they are not spent; see the codes
   */
  async getSeqBatch(
    requests: Iterable<SequenceRequest>,
    options: ClientCallOptions = {},
  ): Promise<SequenceBatchGrant> {
    return await this.#caller.getSeqBatch(checkSequences(requests), this.#context(options));
  }

  /**
   * Asks for a safe point: no timestamp granted after this call lies at or below it. One attempt, at the
   * leader if it is known; a server that does not lead answers 0, which promises nothing.
   *
   * @throws {TsoClientError} see the codes
   */
  async getCurrentMaxSafe(options: ClientCallOptions = {}): Promise<SafePoint> {
    return await this.#caller.currentMaxSafe(this.#context(options));
  }

  /**
   * Asks for the smallest bound of all leases. One attempt, at the leader if it is known; a server that does
   * not lead answers 0, which promises nothing.
   *
   * @throws {TsoClientError} see the codes
   */
  async getSafeFrontier(options: ClientCallOptions = {}): Promise<SafePoint> {
    return await this.#caller.safeFrontier(this.#context(options));
  }

  /**
   * Acquires a lease, with one attempt. The same holder and epoch get their live lease again, unchanged.
   * `holdLease` does this, repeats it, and renews.
   *
   * @throws {TsoClientError} see the codes
   */
  async acquireLease(claim: LeaseClaim, options: ClientCallOptions = {}): Promise<LeaseGrant> {
    return await this.#caller.acquireLease(checkClaim(claim), this.#context(options));
  }

  /**
   * Renews a lease, with one attempt, for the `ttlMs` of its acquisition.
   *
   * @throws {TsoClientError} see the codes
   */
  async renewLease(leaseId: number, options: ClientCallOptions = {}): Promise<LeaseGrant> {
    return await this.#caller.renewLease(checkLeaseId(leaseId), this.#context(options));
  }

  /**
   * Ends a lease, with one attempt. One that is unknown or has expired is as good as released.
   *
   * @throws {TsoClientError} see the codes
   */
  async releaseLease(leaseId: number, options: ClientCallOptions = {}): Promise<void> {
    await this.#caller.releaseLease(checkLeaseId(leaseId), this.#context(options));
  }

  /** Fails all callers with `closed`, ends what is under way, and closes the connections. */
  close(): Promise<void> {
    const error = new TsoClientError("closed", "Cannot ask: the client was closed");
    this.#coalescer.close(error);
    this.#closing.abort(error);
    this.#caller.close();
    return Promise.resolve();
  }

  /** Closes the client. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #context(options: ClientCallOptions): CallContext {
    const { signal = this.#closing.signal, timeoutMs = this.#timeoutMs } = options;
    this.#closing.signal.throwIfAborted();
    signal.throwIfAborted();
    return { signal, timeoutMs: checkTimeout(timeoutMs) };
  }
}

function hasLimits({ signal, timeoutMs }: ClientCallOptions): boolean {
  return signal !== undefined || timeoutMs !== undefined;
}
