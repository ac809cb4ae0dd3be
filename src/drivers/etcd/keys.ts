// SPDX-License-Identifier: Apache-2.0

import { crc32c } from "../records/crc32c.ts";

/**
 * How many records hold the sequences. A write of any number of them stays below the 128 operations that etcd
 * takes in one transaction by default.
 */
export const SEQUENCE_BUCKETS = 64;

/** The names for which all keys that begin with `PREFIX/NAME/` belong to the oracle of the prefix. */
export const KEY_FOLDERS: readonly string[] = ["leadership", "sequences"];

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** A range of keys: all that begin with a text. */
export interface KeyRange {
  /** The text. */
  readonly key: Uint8Array;
  /** The first key behind them. */
  readonly rangeEnd: Uint8Array;
}

/** The keys of one oracle (docs/engines.md). */
export class EtcdKeys {
  /** The version of what the other keys hold. It is there exactly if the oracle is. */
  readonly format: Uint8Array;
  /** The high-water. */
  readonly highWater: Uint8Array;
  /** All keys of the leadership: what a watch must see. */
  readonly leadership: KeyRange;
  /** How often the store was restored. */
  readonly incarnation: Uint8Array;
  /** The latest take-over. Its revision is the number of the term. */
  readonly term: Uint8Array;
  /** Written by each heartbeat. */
  readonly beat: Uint8Array;
  /** There if the latest term was given up. */
  readonly resigned: Uint8Array;
  /** All leases. */
  readonly leases: Uint8Array;
  /** All keys of the sequences. */
  readonly sequences: KeyRange;
  /** The latest write of sequences. */
  readonly sequenceHead: Uint8Array;
  /** The records of the sequences. */
  readonly sequenceBuckets: readonly Uint8Array[];

  /** Names the keys behind a prefix. */
  constructor(prefix: string) {
    const name = (rest: string) => ENCODER.encode(`${prefix}/${rest}`);
    this.format = name("format");
    this.highWater = name("high_water");
    this.leadership = { key: name("leadership/"), rangeEnd: name("leadership0") };
    this.incarnation = name("leadership/incarnation");
    this.term = name("leadership/term");
    this.beat = name("leadership/beat");
    this.resigned = name("leadership/resigned");
    this.leases = name("leases");
    this.sequences = { key: name("sequences/"), rangeEnd: name("sequences0") };
    this.sequenceHead = name("sequences/head");
    this.sequenceBuckets = Array.from(
      { length: SEQUENCE_BUCKETS },
      (_, bucket) => name(`sequences/${String(bucket).padStart(2, "0")}`),
    );
  }
}

/** The record that a sequence is in, for ever: 0 to 63. */
export function bucketOf(sequence: string): number {
  return crc32c(ENCODER.encode(sequence)) % SEQUENCE_BUCKETS;
}

/** A key or a value as text; for comparisons and messages. */
export function textOf(bytes: Uint8Array): string {
  return DECODER.decode(bytes);
}

/** A text as a value. */
export function bytesOf(text: string): Uint8Array {
  return ENCODER.encode(text);
}
