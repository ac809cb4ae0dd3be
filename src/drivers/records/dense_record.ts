// SPDX-License-Identifier: Apache-2.0

import {
  isSequenceKey,
  MAX_SEQUENCE_KEY_BYTES,
  SEQUENCE_COUNTER_MAX,
} from "../../core/sequence.ts";
import type { CounterSource } from "../../core/sequence_counters.ts";
import { compareBytes } from "./bytes.ts";
import { RecordReader, RecordWriter, sealRecord } from "./record_frame.ts";
import type { RecordKind } from "./record_frame.ts";

/** Magic, version, cap and number of keys, checksum (behaviour.md 5.1 and 15.3). */
const FRAME_LENGTH = 21;

const KEY_LIMIT_AT = 5;
const SIZE_AT = 13;
const FIRST_ENTRY_AT = 17;
const KEY_LENGTH_LENGTH = 2;
const COUNTER_LENGTH = 8;

const DENSE: RecordKind = {
  magic: "TSOD",
  name: "dense",
  leastLength: FRAME_LENGTH,
  fixedLength: false,
};

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A key, and the same as it is written. */
interface EncodedKey {
  readonly key: string;
  readonly keyBytes: Uint8Array;
}

/** What a {@linkcode DenseRecord} knows of its bytes. */
interface DenseParts {
  readonly keyLimit: number;
  readonly counterAt: ReadonlyMap<string, number>;
}

/**
 * A record of sequences, and the counters in it. It never changes.
 *
 * The counters stay in the record's own bytes: the next record is then a copy with some numbers replaced, and
 * with room made for the keys that are new.
 */
export class DenseRecord implements CounterSource {
  /** The whole record, to be read only. */
  readonly bytes: Uint8Array;
  /** How many keys the store may hold, as the record says. */
  readonly keyLimit: number;
  readonly #view: DataView;
  /** Where each key's counter is, in the order of the record. */
  readonly #counterAt: ReadonlyMap<string, number>;

  private constructor(bytes: Uint8Array, parts: DenseParts) {
    this.bytes = bytes;
    this.keyLimit = parts.keyLimit;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#counterAt = parts.counterAt;
  }

  /**
   * A record of some sequences.
   *
   * @param keyLimit how many keys the store may hold, a whole number from 0
   * @param counters each sequence with its next ordinal, in any order
   * @throws {RangeError} if a number or a key does not fit the record
   */
  static of(keyLimit: number, counters: ReadonlyMap<string, bigint> = new Map()): DenseRecord {
    const entries = [...counters.keys()].map((key) => ({ key, keyBytes: encodeKey(key) }));
    return DenseRecord.#encode(keyLimit, entries, counters);
  }

  /**
   * Reads a record and refuses everything that is not exactly one.
   *
   * @param path the file or the key that the bytes come from, for the message
   * @throws {RecordError} `corrupt`, `truncated`, `unsupported-version` or `out-of-range`
   */
  static decode(bytes: Uint8Array, path: string): DenseRecord {
    const reader = new RecordReader(bytes, { kind: DENSE, path });
    const keyLimit = reader.number("limit of keys");
    const counterAt = new Map<string, number>();
    let previous: Uint8Array = new Uint8Array();
    for (let left = reader.u32(); left > 0; left--) {
      const keyBytes = reader.raw(reader.u16());
      const key = readKey(keyBytes, reader);
      if (compareBytes(previous, keyBytes) >= 0) {
        throw reader.refusal(
          "corrupt",
          `its key ${JSON.stringify(key)} is not above the one before`,
        );
      }
      previous = keyBytes;
      counterAt.set(key, reader.at);
      reader.u64();
    }
    reader.end();
    return new DenseRecord(bytes, { keyLimit, counterAt });
  }

  /** How many keys there are. */
  get size(): number {
    return this.#counterAt.size;
  }

  /** The keys, in the order of their bytes. */
  keys(): IterableIterator<string> {
    return this.#counterAt.keys();
  }

  /** The next ordinal of a sequence, or `undefined` if nothing was ever taken from it. */
  get(key: string): bigint | undefined {
    const at = this.#counterAt.get(key);
    return at === undefined ? undefined : this.#view.getBigUint64(at, true);
  }

  /**
   * The record with other counters, and with another limit.
   *
   * @throws {RangeError} as {@linkcode DenseRecord.of}
   */
  with(counters: ReadonlyMap<string, bigint>, keyLimit: number): DenseRecord {
    const added = [...counters.keys()]
      .filter((key) => !this.#counterAt.has(key))
      .map((key) => ({ key, keyBytes: encodeKey(key) }))
      .toSorted(byBytes);
    const { bytes, counterAt } = added.length === 0
      ? { bytes: new Uint8Array(this.bytes), counterAt: this.#counterAt }
      : this.#withRoomFor(added);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(KEY_LIMIT_AT, BigInt(checkKeyLimit(keyLimit)), true);
    view.setUint32(SIZE_AT, counterAt.size, true);
    for (const [key, next] of counters) {
      const at = counterAt.get(key);
      if (at !== undefined) view.setBigUint64(at, checkCounter(key, next), true);
    }
    sealRecord(bytes);
    return new DenseRecord(bytes, { keyLimit, counterAt });
  }

  /**
   * The bytes with keys put in their places, each with a counter of 0. What lies between is copied as a whole: to
   * order and encode all keys anew would keep the event loop for several times as long.
   *
   * @param added in the order of their bytes, none of them in the record
   */
  #withRoomFor(
    added: readonly EncodedKey[],
  ): { bytes: Uint8Array; counterAt: Map<string, number> } {
    const room = added.reduce((sum, { keyBytes }) => sum + lengthOfEntry(keyBytes), 0);
    const bytes = new Uint8Array(this.bytes.length + room);
    const view = new DataView(bytes.buffer);
    const counterAt = new Map<string, number>();
    const ends = Array.from(this.#counterAt.values(), (at) => at + COUNTER_LENGTH);
    const known = this.#counterAt.entries();
    let [copied, moved, shift] = [0, 0, 0];
    const moveUntil = (position: number, end: number) => {
      bytes.set(this.bytes.subarray(copied, end), copied + shift);
      copied = end;
      for (; moved < position; moved++) {
        const [key, at] = known.next().value as [string, number];
        counterAt.set(key, at + shift);
      }
    };
    for (const { key, keyBytes } of added) {
      const position = this.#positionOf(keyBytes, ends);
      const end = ends[position - 1] ?? FIRST_ENTRY_AT;
      moveUntil(position, end);
      const at = end + shift;
      view.setUint16(at, keyBytes.length, true);
      bytes.set(keyBytes, at + KEY_LENGTH_LENGTH);
      counterAt.set(key, at + KEY_LENGTH_LENGTH + keyBytes.length);
      shift += lengthOfEntry(keyBytes);
    }
    moveUntil(ends.length, this.bytes.length);
    return { bytes, counterAt };
  }

  /** How many keys of the record are below a key. `ends` are the ends of the entries. */
  #positionOf(keyBytes: Uint8Array, ends: readonly number[]): number {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const begin = (ends[middle - 1] ?? FIRST_ENTRY_AT) + KEY_LENGTH_LENGTH;
      const other = this.bytes.subarray(begin, (ends[middle] as number) - COUNTER_LENGTH);
      if (compareBytes(other, keyBytes) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  static #encode(
    keyLimit: number,
    keys: readonly EncodedKey[],
    counters: Pick<ReadonlyMap<string, bigint>, "get">,
  ): DenseRecord {
    const sorted = keys.toSorted(byBytes);
    const length = sorted.reduce(
      (sum, { keyBytes }) => sum + lengthOfEntry(keyBytes),
      FRAME_LENGTH,
    );
    const writer = new RecordWriter(DENSE, length);
    const counterAt = new Map<string, number>();
    writer.u64(BigInt(checkKeyLimit(keyLimit)));
    writer.u32(sorted.length);
    for (const { key, keyBytes } of sorted) {
      writer.u16(keyBytes.length);
      writer.raw(keyBytes);
      counterAt.set(key, writer.at);
      writer.u64(checkCounter(key, counters.get(key) ?? 0n));
    }
    return new DenseRecord(writer.seal(), { keyLimit, counterAt });
  }
}

function byBytes(one: EncodedKey, other: EncodedKey): number {
  return compareBytes(one.keyBytes, other.keyBytes);
}

function lengthOfEntry(keyBytes: Uint8Array): number {
  return KEY_LENGTH_LENGTH + keyBytes.length + COUNTER_LENGTH;
}

function readKey(bytes: Uint8Array, reader: RecordReader): string {
  let key: string;
  try {
    key = DECODER.decode(bytes);
  } catch {
    throw reader.refusal("corrupt", `its key before byte ${reader.at} is not UTF-8`);
  }
  if (isSequenceKey(key)) return key;
  throw reader.refusal("corrupt", `its key before byte ${reader.at} has ${bytes.length} bytes`);
}

function encodeKey(key: string): Uint8Array {
  if (isSequenceKey(key)) return ENCODER.encode(key);
  throw new RangeError(
    `Cannot encode as a key must have 1 to ${MAX_SEQUENCE_KEY_BYTES} bytes of UTF-8: current value is ${
      JSON.stringify(key)
    }`,
  );
}

function checkCounter(key: string, next: bigint): bigint {
  if (next >= 0n && next <= SEQUENCE_COUNTER_MAX) return next;
  throw new RangeError(
    `Cannot encode as the counter of ${
      JSON.stringify(key)
    } must be from 0 to ${SEQUENCE_COUNTER_MAX}: current value is ${next}`,
  );
}

function checkKeyLimit(keyLimit: number): number {
  if (Number.isSafeInteger(keyLimit) && keyLimit >= 0) return keyLimit;
  throw new RangeError(
    `Cannot encode as 'keyLimit' must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}: current value is ${keyLimit}`,
  );
}
