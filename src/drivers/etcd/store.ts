// SPDX-License-Identifier: Apache-2.0

import { FencedError, NotLeaderError, PermanentError } from "../../consensus/errors.ts";
import type { Clock } from "../../core/clock.ts";
import { epochFromHalves } from "../../core/epoch.ts";
import type { Epoch } from "../../core/epoch.ts";
import type { TxnResponse } from "../../gen/etcdserverpb/rpc_pb.ts";
import { decodeLeaseRecord, encodeLeaseRecord } from "../records/lease_record.ts";
import { RecordError } from "../records/record_error.ts";
import type {
  Claim,
  ClusterStore,
  LeaseWrite,
  RestoredStore,
  SequenceWrite,
  Standing,
  StandingNews,
  StoreCallOptions,
  StoredLeases,
  StoredSequences,
  SwapOutcome,
} from "../cluster/store.ts";
import type { EtcdClient } from "./client.ts";
import { FoundKeys } from "./found_keys.ts";
import { highWaterValue, readHighWater } from "./high_water_key.ts";
import { bucketOf, EtcdKeys, textOf } from "./keys.ts";
import { foundBy, hasValueBelow, put, read, remove, revisionOf, writtenIn } from "./operations.ts";
import type { Operation, Transaction } from "./operations.ts";
import { checkStore, creation } from "./preparation.ts";
import { restoration } from "./restoration.ts";
import { headOf, headValue, SequenceBuckets } from "./sequence_buckets.ts";
import { readStanding, termValue, underStanding, underTerm, unusable } from "./standing_keys.ts";
import { watchStanding } from "./standing_watch.ts";

/** What an {@linkcode EtcdStore} works with. */
export interface EtcdStoreOptions {
  /** How etcd is reached; closed with the store. */
  readonly client: EtcdClient;
  /** What all keys begin with. */
  readonly prefix: string;
  /** Where time comes from. */
  readonly clock: Clock;
  /** How long a call of the watch may take, in milliseconds. */
  readonly watchTimeoutMs: number;
}

const EMPTY = new Uint8Array();

/** An oracle's state in etcd. Each step is one transaction, which etcd makes durable on a majority first. */
export class EtcdStore implements ClusterStore {
  readonly #client: EtcdClient;
  readonly #keys: EtcdKeys;
  readonly #options: EtcdStoreOptions;
  /** The sequences as they were after the latest read or write of this node. */
  #buckets: SequenceBuckets | undefined;

  /** Makes a store that is not connected yet. */
  constructor(options: EtcdStoreOptions) {
    this.#client = options.client;
    this.#keys = new EtcdKeys(options.prefix);
    this.#options = options;
  }

  /** See {@linkcode ClusterStore.prepare}. */
  async prepare(options: StoreCallOptions): Promise<void> {
    const response = await this.#client.txn(creation(this.#keys), options);
    if (!response.succeeded) checkStore(this.#keys, new FoundKeys(foundBy(response)));
  }

  /** See {@linkcode ClusterStore.readStanding}. */
  async readStanding(options: StoreCallOptions): Promise<Standing> {
    return readStanding(this.#keys, await this.#read([read(this.#keys.leadership)], options));
  }

  /** See {@linkcode ClusterStore.watchStanding}. */
  watchStanding({ signal }: { readonly signal: AbortSignal }): AsyncIterable<StandingNews> {
    const { client, clock, watchTimeoutMs: timeoutMs } = this.#options;
    return watchStanding({ client, keys: this.#keys, clock, timeoutMs, signal });
  }

  /** See {@linkcode ClusterStore.takeOver}. */
  async takeOver(
    seen: Standing,
    claim: Claim,
    options: StoreCallOptions,
  ): Promise<Standing | undefined> {
    const { term, beat, resigned } = this.#keys;
    const response = await this.#client.txn({
      compare: [...underStanding(this.#keys, seen)],
      success: [put(term, termValue(claim)), put(beat, EMPTY), remove(resigned)],
    }, options);
    if (!response.succeeded) return undefined;
    const { incarnation } = seen;
    const revision = revisionOf(response);
    const epoch = epochFromHalves({ hi: incarnation, lo: revision });
    const taken = { epoch, claimId: claim.id, endpoint: claim.endpoint };
    return { incarnation, term: taken, beat: String(revision), resigned: false };
  }

  /** See {@linkcode ClusterStore.beat}. */
  async beat(epoch: Epoch, options: StoreCallOptions): Promise<void> {
    await this.#write({ success: [put(this.#keys.beat, EMPTY)] }, epoch, options);
  }

  /** See {@linkcode ClusterStore.resign}. */
  async resign(epoch: Epoch, options: StoreCallOptions): Promise<void> {
    await this.#client.txn({
      compare: [...underTerm(this.#keys, epoch)],
      success: [put(this.#keys.resigned, EMPTY)],
    }, options);
  }

  /** See {@linkcode ClusterStore.loadHighWater}. */
  async loadHighWater(options: StoreCallOptions): Promise<number> {
    return readHighWater(this.#keys, await this.#read([read(this.#keys.highWater)], options));
  }

  /** See {@linkcode ClusterStore.persistHighWater}. */
  async persistHighWater(
    atLeastMs: number,
    epoch: Epoch,
    options: StoreCallOptions,
  ): Promise<number> {
    const { highWater } = this.#keys;
    const value = highWaterValue(atLeastMs);
    const response = await this.#write(
      {
        compare: [hasValueBelow(highWater, value)],
        success: [put(highWater, value)],
        failure: [read(highWater)],
      },
      epoch,
      options,
    );
    return response.succeeded ? atLeastMs : readHighWater(this.#keys, found(response));
  }

  /** See {@linkcode ClusterStore.loadSequence}. */
  async loadSequence(sequence: string, options: StoreCallOptions): Promise<bigint> {
    const { sequenceBuckets, sequenceHead } = this.#keys;
    const bucket = sequenceBuckets[bucketOf(sequence)] ?? sequenceHead;
    const there = await this.#read([read(sequenceHead), read(bucket)], options);
    if (there.get(sequenceHead) === undefined) throw unusable(sequenceHead, undefined);
    return understood(() => SequenceBuckets.counterIn(there.get(bucket), sequence));
  }

  /** See {@linkcode ClusterStore.readSequences}. */
  async readSequences(options: StoreCallOptions): Promise<StoredSequences> {
    const there = await this.#read([read(this.#keys.sequences)], options);
    const { buckets, stored } = understood(() => SequenceBuckets.read(this.#keys, there));
    this.#buckets = buckets;
    return stored;
  }

  /** See {@linkcode ClusterStore.writeSequences}. */
  async writeSequences(
    write: SequenceWrite,
    epoch: Epoch,
    options: StoreCallOptions,
  ): Promise<SwapOutcome> {
    const { sequenceBuckets, sequenceHead } = this.#keys;
    const before = this.#buckets?.version === write.version
      ? this.#buckets
      : SequenceBuckets.of(write.version, write.counters);
    const moved = before.move(write.moved);
    const outcome = await this.#swap(sequenceHead, write.version, {
      writes: [
        put(sequenceHead, headValue(headOf(write))),
        ...[...moved].map(([bucket, { bytes }]) => put(sequenceBuckets[bucket] ?? EMPTY, bytes)),
      ],
      epoch,
      options,
    });
    if (outcome.kind === "written") this.#buckets = before.after(moved, outcome.version);
    return outcome;
  }

  /** See {@linkcode ClusterStore.readLeases}. */
  async readLeases(options: StoreCallOptions): Promise<StoredLeases> {
    const { leases: key } = this.#keys;
    const there = (await this.#read([read(key)], options)).get(key);
    if (there === undefined) throw unusable(key, undefined);
    const leases = understood(() => decodeLeaseRecord(there.value, textOf(key)));
    return { version: String(there.modRevision), leases };
  }

  /** See {@linkcode ClusterStore.writeLeases}. */
  writeLeases(write: LeaseWrite, epoch: Epoch, options: StoreCallOptions): Promise<SwapOutcome> {
    const { leases: key } = this.#keys;
    const writes = [put(key, encodeLeaseRecord(write.leases))];
    return this.#swap(key, write.version, { writes, epoch, options });
  }

  /** See {@linkcode ClusterStore.restore}. */
  async restore(atLeastMs: number, options: StoreCallOptions): Promise<RestoredStore> {
    const { leadership, format, highWater } = this.#keys;
    const there = await this.#read([read(format), read(leadership), read(highWater)], options);
    const { transaction, restored } = restoration(this.#keys, there, atLeastMs);
    if ((await this.#client.txn(transaction, options)).succeeded) return restored;
    throw new PermanentError(
      "Cannot restore as a node wrote to the store meanwhile: stop every node that uses it, and restore again",
    );
  }

  /** See {@linkcode ClusterStore.close}. */
  close(): Promise<void> {
    this.#client.close();
    return Promise.resolve();
  }

  async #read(success: Operation[], options: StoreCallOptions): Promise<FoundKeys> {
    return found(await this.#client.txn({ success }, options));
  }

  /** A write under a term. It fails with the fence only if that is what failed. */
  async #write(
    { compare = [], success = [], failure = [] }: Transaction,
    epoch: Epoch,
    options: StoreCallOptions,
  ): Promise<TxnResponse> {
    const response = await this.#client.txn({
      compare: [...underTerm(this.#keys, epoch), ...compare],
      success,
      failure: [read(this.#keys.leadership), ...failure],
    }, options);
    if (!response.succeeded) this.#checkTerm(response, epoch);
    return response;
  }

  async #swap(key: Uint8Array, version: string, swap: Swap): Promise<SwapOutcome> {
    const response = await this.#write(
      { compare: [writtenIn(key, BigInt(version))], success: swap.writes },
      swap.epoch,
      swap.options,
    );
    if (!response.succeeded) return { kind: "conflict" };
    return { kind: "written", version: String(revisionOf(response)) };
  }

  #checkTerm(response: TxnResponse, epoch: Epoch): void {
    const { term } = readStanding(this.#keys, found(response));
    if (term === undefined) throw new NotLeaderError("nobody has led since the store was restored");
    if (term.epoch !== epoch) throw new FencedError(epoch, term.epoch);
  }
}

/** A write that replaces a version. */
interface Swap {
  readonly writes: Operation[];
  readonly epoch: Epoch;
  readonly options: StoreCallOptions;
}

function found(response: TxnResponse): FoundKeys {
  return new FoundKeys(foundBy(response));
}

/** A record that cannot be read does not become readable by itself. */
function understood<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    if (!(cause instanceof RecordError)) throw cause;
    throw new PermanentError(
      `${cause.message}; set etcd back to a snapshot and run the restore, or move to a new prefix (docs/engines.md)`,
      { cause },
    );
  }
}
