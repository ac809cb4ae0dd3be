// SPDX-License-Identifier: Apache-2.0

import { crc32c } from "./crc32c.ts";
import { RecordError } from "./record_error.ts";
import type { RecordErrorCode } from "./record_error.ts";

/** What makes a record one of its kind. All share the frame: magic, version, content, checksum. */
export interface RecordKind {
  /** The first four bytes, in ASCII. */
  readonly magic: string;
  /** What the record is, for messages. */
  readonly name: string;
  /** The length of the shortest in bytes, frame included. */
  readonly leastLength: number;
  /** Whether all have that length. */
  readonly fixedLength: boolean;
}

/** Where the content begins: after the magic and the version (behaviour.md 5.1). */
export const CONTENT_AT = 5;

/** Length of the checksum, which ends the record. */
export const CHECKSUM_LENGTH = 4;

const VERSION = 1;
const VERSION_AT = 4;
const MAX_EXACT = BigInt(Number.MAX_SAFE_INTEGER);

/** Writes a record from its first byte to its last. */
export class RecordWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = CONTENT_AT;

  /** Begins a record of a known length in bytes, frame included. */
  constructor(kind: RecordKind, length: number) {
    this.#bytes = new Uint8Array(length);
    this.#view = new DataView(this.#bytes.buffer);
    this.#bytes.set(new TextEncoder().encode(kind.magic));
    this.#view.setUint8(VERSION_AT, VERSION);
  }

  /** Where the next byte goes. */
  get at(): number {
    return this.#at;
  }

  /** Writes one byte. */
  u8(value: number): void {
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
  }

  /** Writes two bytes, the lower one first. */
  u16(value: number): void {
    this.#view.setUint16(this.#at, value, true);
    this.#at += 2;
  }

  /** Writes four bytes, the lowest one first. */
  u32(value: number): void {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  /** Writes eight bytes, the lowest one first. */
  u64(value: bigint): void {
    this.#view.setBigUint64(this.#at, value, true);
    this.#at += 8;
  }

  /** Writes bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** The record, with its checksum. */
  seal(): Uint8Array {
    sealRecord(this.#bytes);
    return this.#bytes;
  }
}

/** Puts the checksum at the end of a record whose other bytes are complete. */
export function sealRecord(bytes: Uint8Array): void {
  const checksumAt = bytes.length - CHECKSUM_LENGTH;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint32(checksumAt, crc32c(bytes.subarray(0, checksumAt)), true);
}

/** Where bytes come from, and what they should be. */
export interface RecordSource {
  /** The kind of record. */
  readonly kind: RecordKind;
  /** The file or the key, for messages. */
  readonly path: string;
}

/** Reads a record whose frame is whole, and refuses what does not fit into its content. */
export class RecordReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #kind: RecordKind;
  readonly #path: string;
  readonly #end: number;
  #at = CONTENT_AT;

  /**
   * Checks the frame: magic, version, length, checksum, in this order, because a record of another version
   * may have another length.
   *
   * @throws {RecordError} `corrupt`, `truncated` or `unsupported-version`
   */
  constructor(bytes: Uint8Array, source: RecordSource) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#kind = source.kind;
    this.#path = source.path;
    this.#end = bytes.length - CHECKSUM_LENGTH;
    this.#checkHeader();
    this.#checkLength();
    this.#checkSum();
  }

  /** Where the next byte comes from. */
  get at(): number {
    return this.#at;
  }

  /** Reads one byte. */
  u8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  /** Reads two bytes, the lower one first. */
  u16(): number {
    return this.#view.getUint16(this.#skip(2), true);
  }

  /** Reads four bytes, the lowest one first. */
  u32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  /** Reads eight bytes, the lowest one first. */
  u64(): bigint {
    return this.#view.getBigUint64(this.#skip(8), true);
  }

  /**
   * Reads eight bytes as a number.
   *
   * @param what the number is, for the message
   * @param max largest value to accept, at most 2^53 - 1
   * @throws {RecordError} `out-of-range` if it is greater
   */
  number(what: string, max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.u64();
    if (value <= MAX_EXACT && Number(value) <= max) return Number(value);
    throw this.refusal("out-of-range", `its ${what} ${value} exceeds ${max}`);
  }

  /** Reads bytes as they are; they are not copied. */
  raw(length: number): Uint8Array {
    const at = this.#skip(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** Checks that nothing is left. */
  end(): void {
    if (this.#at === this.#end) return;
    throw this.refusal("corrupt", `${this.#end - this.#at} bytes follow its last entry`);
  }

  /** An error that names the place and what was found. */
  refusal(code: RecordErrorCode, found: string): RecordError {
    const path = this.#path;
    return new RecordError(code, `Cannot read '${path}': ${found}`, { path });
  }

  #skip(length: number): number {
    const at = this.#at;
    if (at + length > this.#end) {
      throw this.refusal("corrupt", `its content ends within the entry at byte ${at}`);
    }
    this.#at += length;
    return at;
  }

  #checkHeader(): void {
    const { magic, name } = this.#kind;
    const begin = this.#bytes.subarray(0, magic.length);
    if (begin.some((byte, index) => byte !== magic.charCodeAt(index))) {
      throw this.refusal(
        "corrupt",
        `it does not begin with '${magic}', so it is no ${name} record`,
      );
    }
    const version = this.#bytes[VERSION_AT];
    if (version === undefined || version === VERSION) return;
    throw this.refusal(
      "unsupported-version",
      `its format version is ${version}, this release knows ${VERSION}`,
    );
  }

  #checkLength(): void {
    const { length } = this.#bytes;
    const { leastLength, fixedLength } = this.#kind;
    if (length < leastLength) {
      const least = fixedLength ? leastLength : `at least ${leastLength}`;
      throw this.refusal("truncated", `it ends after ${length} of ${least} bytes`);
    }
    if (fixedLength && length > leastLength) {
      throw this.refusal("corrupt", `bytes follow its record of ${leastLength} bytes`);
    }
  }

  #checkSum(): void {
    const stored = this.#view.getUint32(this.#end, true);
    const computed = crc32c(this.#bytes.subarray(0, this.#end));
    if (stored === computed) return;
    throw this.refusal(
      "corrupt",
      `its checksum is ${hex(stored)}, its bytes give ${hex(computed)}`,
    );
  }
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}
