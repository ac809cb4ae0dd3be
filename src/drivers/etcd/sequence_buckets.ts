// SPDX-License-Identifier: Apache-2.0

import { PermanentError } from "../../consensus/errors.ts";
import { DEFAULT_MAX_SEQUENCE_KEYS } from "../../core/sequence.ts";
import type { KeyValue } from "../../gen/etcdserverpb/rpc_pb.ts";
import { DenseRecord } from "../records/dense_record.ts";
import type { SequenceWrite, StoredSequences } from "../cluster/store.ts";
import type { FoundKeys } from "./found_keys.ts";
import { bucketOf, bytesOf, SEQUENCE_BUCKETS, textOf } from "./keys.ts";
import type { EtcdKeys } from "./keys.ts";
import { unusable } from "./standing_keys.ts";

/** Most sequences of one oracle: all records together then fit a request to etcd, whose default limit is 1.5 MiB. */
export const MAX_SEQUENCE_KEYS = DEFAULT_MAX_SEQUENCE_KEYS;

/** The latest write of sequences. */
export interface SequenceHead {
  /** The id of the write; absent if nothing was ever written. */
  readonly operationId: string | undefined;
  /** How many sequences there are. */
  readonly count: number;
}

/** What a write puts: the records that it changes, by their number. */
export type BucketWrites = ReadonlyMap<number, DenseRecord>;

/** The sequences as they were last seen, in the records that hold them. */
export class SequenceBuckets {
  /** Changes with each write. */
  readonly version: string;
  readonly #records: readonly (DenseRecord | undefined)[];

  private constructor(version: string, records: readonly (DenseRecord | undefined)[]) {
    this.version = version;
    this.#records = records;
  }

  /**
   * Reads all keys of the sequences.
   *
   * @throws {RecordError} if a record is none
   * @throws {PermanentError} if a key is missing
   */
  static read(
    keys: EtcdKeys,
    found: FoundKeys,
  ): { readonly buckets: SequenceBuckets; readonly stored: StoredSequences } {
    const { operationId, count } = readHead(keys, found);
    const version = String(found.revision(keys.sequenceHead));
    const counters = new Map<string, bigint>();
    const records = keys.sequenceBuckets.map((key) => {
      const bytes = found.get(key)?.value;
      if (bytes === undefined) return undefined;
      const record = DenseRecord.decode(bytes, textOf(key));
      for (const sequence of record.keys()) counters.set(sequence, record.get(sequence) ?? 0n);
      return record;
    });
    if (counters.size !== count) throw incomplete(keys, counters.size, count);
    const buckets = new SequenceBuckets(version, records);
    return { buckets, stored: { version, operationId, counters } };
  }

  /**
   * The next ordinal of a sequence in its record; 0 if it is not in it, or there is no record.
   *
   * @throws {RecordError} if the record is none
   */
  static counterIn(record: KeyValue | undefined, sequence: string): bigint {
    if (record === undefined) return 0n;
    return DenseRecord.decode(record.value, textOf(record.key)).get(sequence) ?? 0n;
  }

  /** The records of a store of which only the counters are known. */
  static of(version: string, counters: ReadonlyMap<string, bigint>): SequenceBuckets {
    const records = Array.from(
      split(counters),
      (own) => own.size === 0 ? undefined : DenseRecord.of(MAX_SEQUENCE_KEYS, own),
    );
    return new SequenceBuckets(version, records);
  }

  /** The records that change if counters move. */
  move(moved: ReadonlyMap<string, bigint>): BucketWrites {
    const writes = new Map<number, DenseRecord>();
    split(moved).forEach((own, bucket) => {
      if (own.size === 0) return;
      const before = this.#records[bucket] ?? DenseRecord.of(MAX_SEQUENCE_KEYS);
      writes.set(bucket, before.with(own, MAX_SEQUENCE_KEYS));
    });
    return writes;
  }

  /** What is there once records were written. */
  after(writes: BucketWrites, version: string): SequenceBuckets {
    return new SequenceBuckets(
      version,
      this.#records.map((record, bucket) => writes.get(bucket) ?? record),
    );
  }
}

/** A head as it is kept. */
export function headValue(head: SequenceHead): Uint8Array {
  return bytesOf(JSON.stringify({ operation: head.operationId, count: head.count }));
}

/** The head that a write puts. */
export function headOf({ operationId, counters }: SequenceWrite): SequenceHead {
  return { operationId, count: counters.size };
}

function readHead(keys: EtcdKeys, found: FoundKeys): SequenceHead {
  const value = found.get(keys.sequenceHead)?.value;
  const text = value && textOf(value);
  try {
    const { operation, count } = JSON.parse(text ?? "") as { operation?: unknown; count: unknown };
    if (typeof count !== "number") throw unusable(keys.sequenceHead, text);
    return { operationId: typeof operation === "string" ? operation : undefined, count };
  } catch {
    throw unusable(keys.sequenceHead, text);
  }
}

function split(counters: ReadonlyMap<string, bigint>): readonly Map<string, bigint>[] {
  const buckets = Array.from({ length: SEQUENCE_BUCKETS }, () => new Map<string, bigint>());
  for (const [sequence, next] of counters) buckets[bucketOf(sequence)]?.set(sequence, next);
  return buckets;
}

function incomplete(keys: EtcdKeys, there: number, wanted: number): PermanentError {
  return new PermanentError(
    `Cannot use the keys '${
      textOf(keys.sequences.key)
    }...' of etcd: they hold ${there} sequences where '${
      textOf(keys.sequenceHead)
    }' counts ${wanted}, so some were removed and would begin again at 0; set etcd back to a snapshot and run the restore, or move to a new prefix (docs/engines.md)`,
  );
}
