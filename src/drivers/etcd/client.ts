// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError, createClient } from "@connectrpc/connect";
import type { CallOptions, Client } from "@connectrpc/connect";
import { PermanentError, UnavailableError } from "../../consensus/errors.ts";
import { onAbort } from "../../core/abortable.ts";
import type { Clock } from "../../core/clock.ts";
import { KV, Watch } from "../../gen/etcdserverpb/rpc_pb.ts";
import type { TxnResponse, WatchResponse } from "../../gen/etcdserverpb/rpc_pb.ts";
import type { TlsCertificates } from "../../grpc/tls_certificates.ts";
import type { StoreCallOptions } from "../cluster/store.ts";
import { Deadline } from "./deadline.ts";
import { EtcdEndpoint } from "./endpoint.ts";
import { faultOf } from "./faults.ts";
import type { KeyRange } from "./keys.ts";
import type { Transaction } from "./operations.ts";

/** A member that has lost its cluster then says so, instead of keeping a watch open and silent. */
const HEADERS = { hasleader: "true" } as const;

/** Where an {@linkcode EtcdClient} leads. */
export interface EtcdClientOptions {
  /** The URLs of the members, at least one. */
  readonly urls: readonly string[];
  /** Certificates; absent for plaintext and for what the runtime trusts. */
  readonly tls: TlsCertificates | undefined;
  /** Where time comes from. */
  readonly clock: Clock;
}

/** Options of {@linkcode EtcdClient.watch}. */
export interface WatchOptions {
  /** The first revision to tell of. */
  readonly from: bigint;
  /** How long the member may take to begin, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

interface Member {
  readonly endpoint: EtcdEndpoint;
  readonly kv: Client<typeof KV>;
  readonly watch: Client<typeof Watch>;
}

/**
 * Calls to a cluster of etcd, by way of one member. After a fault that may pass, and if it cannot be reached,
 * the next member has its turn, and keeps it.
 */
export class EtcdClient {
  readonly #members: readonly Member[];
  readonly #clock: Clock;
  readonly #ended = new AbortController();
  #turn = 0;

  /** Makes a client that is not connected yet. */
  constructor(options: EtcdClientOptions) {
    this.#clock = options.clock;
    this.#members = options.urls.map((url) => {
      const endpoint = new EtcdEndpoint(url, options.tls);
      const { transport } = endpoint;
      return { endpoint, kv: createClient(KV, transport), watch: createClient(Watch, transport) };
    });
  }

  /**
   * Does a transaction. It is sent once at most.
   *
   * @throws {UnavailableError} if no member could be reached; it was not sent
   * @throws {TransientError} if it may have been done
   * @throws {PermanentError} if etcd refused it
   */
  async txn(transaction: Transaction, options: StoreCallOptions): Promise<TxnResponse> {
    const call = this.#deadline(options);
    try {
      const member = await this.#reach(call);
      return await this.#ask(member, call, (limits) => member.kv.txn(transaction, limits));
    } finally {
      call.end();
    }
  }

  /**
   * Watches a range by way of one member, until that fails. The first item says that it has begun.
   *
   * @throws {ConsensusError} however it ends, but by the signal's reason if that has fired
   */
  async *watch(range: KeyRange, options: WatchOptions): AsyncGenerator<WatchResponse> {
    const begin = this.#deadline(options);
    try {
      const member = await this.#reach(begin);
      const requests = createRequest({ ...range, startRevision: options.from }, begin.signal);
      const limits = { signal: begin.signal, headers: HEADERS };
      try {
        for await (const response of member.watch.watch(requests, limits)) {
          begin.stopTimer();
          yield response;
        }
        throw new ConnectError("the watch was closed", Code.Unavailable);
      } catch (error) {
        throw this.#judge(error, member, begin);
      }
    } finally {
      begin.end();
    }
  }

  /** Ends all connections; calls and watches under way fail. */
  close(): void {
    this.#ended.abort(new PermanentError("the etcd driver is closed"));
    for (const { endpoint } of this.#members) endpoint.close();
  }

  async #ask<T>(
    member: Member,
    call: Deadline,
    send: (limits: CallOptions) => Promise<T>,
  ): Promise<T> {
    try {
      return await send({ signal: call.signal, headers: HEADERS });
    } catch (error) {
      throw this.#judge(error, member, call);
    }
  }

  /** What an error means to the caller; and whose turn it is after it. */
  #judge(error: unknown, member: Member, call: Deadline): unknown {
    if (call.isUnwanted) return call.signal.reason;
    const fault = faultOf(call.hasPassed ? call.signal.reason : error, member.endpoint.url);
    if (fault instanceof PermanentError) return fault;
    if (this.#members[this.#turn] === member) this.#turn = (this.#turn + 1) % this.#members.length;
    if (call.hasPassed) member.endpoint.probe().catch(() => {});
    return fault;
  }

  /** The first member that can be reached, from the one that has its turn on. Each gets its share of the time. */
  async #reach(call: Deadline): Promise<Member> {
    const causes: string[] = [];
    const first = this.#turn;
    for (let tried = 0; tried < this.#members.length; tried++) {
      const at = (first + tried) % this.#members.length;
      const member = this.#members[at] as Member;
      try {
        await this.#dial(member, call, this.#members.length - tried);
        this.#turn = at;
        return member;
      } catch (error) {
        if (call.isUnwanted) throw call.signal.reason;
        causes.push(`${member.endpoint.url} (${error instanceof Error ? error.message : error})`);
      }
    }
    throw new UnavailableError(`Cannot reach etcd at ${causes.join(", ")}`);
  }

  async #dial({ endpoint }: Member, call: Deadline, shares: number): Promise<void> {
    const share = this.#deadline({ timeoutMs: call.leftMs / shares, signal: call.signal });
    try {
      await endpoint.dial(share.signal);
    } finally {
      share.end();
    }
  }

  #deadline(options: StoreCallOptions): Deadline {
    return new Deadline({ ...options, ended: this.#ended.signal, clock: this.#clock });
  }
}

/** Says what to watch, and keeps the stream of requests open: its end could be taken for the end of the watch. */
async function* createRequest(
  value: {
    readonly key: Uint8Array;
    readonly rangeEnd: Uint8Array;
    readonly startRevision: bigint;
  },
  signal: AbortSignal,
) {
  yield { requestUnion: { case: "createRequest" as const, value } };
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else onAbort(signal, resolve);
  });
}
