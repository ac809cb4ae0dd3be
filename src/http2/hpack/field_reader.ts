// SPDX-License-Identifier: Apache-2.0

import { ConnectionFault, ERROR_CODE } from "../error_code.ts";
import { huffmanDecode } from "./huffman.ts";
import { TextBuilder } from "./text_builder.ts";
import { TextCache } from "./text_cache.ts";

/** Larger than any length or index that can be right here, and small enough for the operators on bits. */
const MAX_INTEGER = 0xfff_ffff;

const NOTHING: Uint8Array = new Uint8Array(0);

const builder = new TextBuilder();

/** Reads the primitive types of RFC 7541, 5 from a header block. */
export class FieldReader {
  readonly #texts = new TextCache();
  /** The string that is being read, in an object that is used again. */
  readonly #source = { bytes: NOTHING, start: 0, end: 0, isCoded: false };
  #bytes: Uint8Array = NOTHING;
  #at = 0;
  #end = 0;

  /** Starts at a block. */
  start(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Lets go of the block: what holds it holds all that the socket has read with it, up to 64 KiB. */
  finish(): void {
    this.#bytes = NOTHING;
    this.#source.bytes = NOTHING;
  }

  /** Whether the block is read to its end. */
  get isAtEnd(): boolean {
    return this.#at === this.#end;
  }

  /** The next byte, which stays. The block is not at its end. */
  get peek(): number {
    return this.#bytes[this.#at] as number;
  }

  /**
   * An integer whose first byte has `prefixBits` bits of it (RFC 7541, 5.1).
   *
   * @throws {ConnectionFault} if it does not end, or is above 2^28
   */
  integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (value > MAX_INTEGER) break;
      if ((byte & 0x80) === 0) return value;
    }
    throw compressionFault("an integer that is too large");
  }

  /**
   * A string, coded or plain (RFC 7541, 5.2).
   *
   * @throws {ConnectionFault} if it is longer than the block, or is coded wrongly
   */
  text(): string {
    if (this.isAtEnd) throw compressionFault("a header block that ends too early");
    const source = this.#source;
    source.isCoded = (this.peek & 0x80) !== 0;
    const length = this.integer(7);
    source.bytes = this.#bytes;
    source.start = this.#at;
    source.end = this.#at + length;
    if (source.end > this.#end) throw compressionFault("a string beyond the end of its block");
    this.#at = source.end;
    return this.#texts.find(source) ?? this.#decode();
  }

  #decode(): string {
    const source = this.#source;
    const { bytes, start, end, isCoded } = source;
    const text = isCoded ? huffmanDecode(bytes, start, end) : plain(bytes, start, end);
    if (text === undefined) throw compressionFault("a string that is coded wrongly");
    this.#texts.add(source, text);
    return text;
  }

  #byte(): number {
    if (this.isAtEnd) throw compressionFault("a header block that ends too early");
    return this.#bytes[this.#at++] as number;
  }
}

/** The fault of a peer whose header block cannot be read: nobody knows what its table holds from here on. */
export function compressionFault(text: string): ConnectionFault {
  return new ConnectionFault(ERROR_CODE.compressionError, text);
}

function plain(bytes: Uint8Array, start: number, end: number): string {
  builder.start();
  for (let at = start; at < end; at++) builder.add(bytes[at] as number);
  return builder.finish();
}
