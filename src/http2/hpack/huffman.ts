// SPDX-License-Identifier: Apache-2.0

import { HUFFMAN_CODES } from "./huffman_code.ts";
import { TextBuilder } from "./text_builder.ts";

/**
 * The decoder reads half a byte at a time. A state is a place in the code tree, the root being 0; an entry
 * says where half a byte leads from there, and what has been read on the way: at most one symbol, as the
 * shortest code has five bits.
 */
const NIBBLES = 16;
const NEXT_STATE = 0xff;
const HAS_SYMBOL = 0x100;
/** A string may end here: what is left over is the beginning of the end-of-string code, up to seven bits. */
const MAY_END = 0x200;
const FAILED = 0x400;
const SYMBOL_SHIFT = 16;

/** The code of the end of a string, which no text holds. */
const END_SYMBOL = -1 - 256;
const NO_CODE = { bits: 0, length: 0 } as const;

const TABLE = makeTable();

const builder = new TextBuilder();

/**
 * Decodes a Huffman-coded string (RFC 7541, 5.2).
 *
 * @returns the string, a character per byte, or `undefined` if its padding is not right or it holds the code of
 *   the end of a string
 */
export function huffmanDecode(bytes: Uint8Array, start: number, end: number): string | undefined {
  builder.start();
  let entry = MAY_END;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    entry = TABLE[(entry & NEXT_STATE) * NIBBLES + (byte >>> 4)] as number;
    if ((entry & HAS_SYMBOL) !== 0) builder.add(entry >>> SYMBOL_SHIFT);
    else if ((entry & FAILED) !== 0) return undefined;
    entry = TABLE[(entry & NEXT_STATE) * NIBBLES + (byte & 0xf)] as number;
    if ((entry & HAS_SYMBOL) !== 0) builder.add(entry >>> SYMBOL_SHIFT);
    else if ((entry & FAILED) !== 0) return undefined;
  }
  return (entry & MAY_END) === 0 ? undefined : builder.finish();
}

/** The length of a string in bytes once it is coded. */
export function huffmanBytes(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    bits += HUFFMAN_CODES[text.charCodeAt(i) & 0xff]?.length ?? 0;
  }
  return (bits + 7) >>> 3;
}

/** Codes a string of Latin-1 characters. */
export function huffmanEncode(text: string): Uint8Array {
  const bytes = new Uint8Array(huffmanBytes(text));
  let at = 0;
  // Up to 7 bits are held when 30 come: more than the operators on bits take, less than a number does.
  let held = 0;
  let heldBits = 0;
  for (let i = 0; i < text.length; i++) {
    const { bits, length } = HUFFMAN_CODES[text.charCodeAt(i) & 0xff] ?? NO_CODE;
    held = held * 2 ** length + bits;
    heldBits += length;
    while (heldBits >= 8) {
      heldBits -= 8;
      const rest = held % 2 ** heldBits;
      bytes[at++] = (held - rest) / 2 ** heldBits;
      held = rest;
    }
  }
  if (heldBits > 0) bytes[at] = (held << (8 - heldBits)) | (0xff >>> heldBits);
  return bytes;
}

/** Where a 0 and a 1 lead from a place in the code tree: to a place, or to a symbol, written as -1 - symbol. */
type Ways = [number, number];

function makeTable(): Uint32Array {
  const tree = makeTree();
  const padding = paddingPlaces(tree);
  const table = new Uint32Array(tree.length * NIBBLES);
  for (let index = 0; index < table.length; index++) {
    table[index] = entryOf(tree, padding, index);
  }
  return table;
}

function entryOf(tree: readonly Ways[], padding: ReadonlySet<number>, index: number): number {
  let place = index >>> 4;
  let entry = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const way = tree[place]?.[(index >>> bit) & 1] ?? END_SYMBOL;
    if (way === END_SYMBOL) return FAILED;
    place = Math.max(0, way);
    if (way < 0) entry = HAS_SYMBOL | ((-1 - way) << SYMBOL_SHIFT);
  }
  return entry | place | (padding.has(place) ? MAY_END : 0);
}

function makeTree(): readonly Ways[] {
  const tree: Ways[] = [[0, 0]];
  HUFFMAN_CODES.forEach(({ bits, length }, symbol) => {
    let ways = tree[0];
    for (let bit = length - 1; bit >= 0 && ways !== undefined; bit--) {
      const side = (bits >>> bit) & 1;
      if (bit === 0) ways[side] = -1 - symbol;
      // Nothing leads back to the root, so a 0 is a way that was not made yet.
      else if (ways[side] === 0) ways[side] = tree.push([0, 0]) - 1;
      ways = tree[ways[side] ?? 0];
    }
  });
  return tree;
}

/** The root, and what up to seven ones lead to. */
function paddingPlaces(tree: readonly Ways[]): ReadonlySet<number> {
  const places = [0];
  for (let ones = 1; ones < 8; ones++) places.push(tree[places[ones - 1] ?? 0]?.[1] ?? 0);
  return new Set(places);
}
