// SPDX-License-Identifier: Apache-2.0

import type { HeaderField } from "./header_field.ts";
import { huffmanBytes, huffmanEncode } from "./huffman.ts";
import { STATIC_NAMES, staticIndex } from "./static_table.ts";

/**
 * What the first block of a connection begins with: a dynamic table of 0 bytes (RFC 7541, 6.3). As nothing is
 * ever added to it, a block means the same on every connection and at any time, and can be made beforehand;
 * and whatever table the peer allows, it is not exceeded.
 */
export const NO_TABLE: Uint8Array = new Uint8Array([0x20]);

/** A secret, which a proxy must not put into a table either (RFC 7541, 7.1.3). */
const SECRETS: ReadonlySet<string> = new Set(["authorization", "cookie", "set-cookie"]);

/** Writes a header block that uses the static table only. Names are in lower case, and all is Latin-1. */
export function encodeBlock(fields: Iterable<HeaderField>): Uint8Array {
  const bytes: number[] = [];
  for (const field of fields) writeField(bytes, field);
  return Uint8Array.from(bytes);
}

/** Writes a field that the static table may know, and that goes into no other. */
export function writeField(bytes: number[], { name, value }: HeaderField): void {
  const index = staticIndex(name, value);
  if (index > 0) return writeInteger(bytes, index, { first: 0x80, prefixBits: 7 });
  const nameIndex = STATIC_NAMES.get(name) ?? 0;
  const first = SECRETS.has(name) ? 0x10 : 0x00;
  writeInteger(bytes, nameIndex, { first, prefixBits: 4 });
  if (nameIndex === 0) writeText(bytes, name);
  writeText(bytes, value);
}

/** Writes a string (RFC 7541, 5.2): coded, unless that is no shorter. */
export function writeText(bytes: number[], text: string): void {
  if (huffmanBytes(text) < text.length) {
    const coded = huffmanEncode(text);
    writeInteger(bytes, coded.length, { first: 0x80, prefixBits: 7 });
    bytes.push(...coded);
    return;
  }
  writeInteger(bytes, text.length, { first: 0x00, prefixBits: 7 });
  for (let i = 0; i < text.length; i++) bytes.push(text.charCodeAt(i) & 0xff);
}

/** How an integer begins: the bits before it, and how many of its own share their byte. */
export interface IntegerHead {
  /** The bits before it. */
  readonly first: number;
  /** How many bits of the first byte are its own. */
  readonly prefixBits: number;
}

/** Writes an integer (RFC 7541, 5.1). */
export function writeInteger(
  bytes: number[],
  value: number,
  { first, prefixBits }: IntegerHead,
): void {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) {
    bytes.push(first | value);
    return;
  }
  bytes.push(first | mask);
  let rest = value - mask;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
}
