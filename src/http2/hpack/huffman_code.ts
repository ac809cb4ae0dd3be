// SPDX-License-Identifier: Apache-2.0

/**
 * How many bits the code of each byte has (RFC 7541, Appendix B). The code is canonical: taken by length and
 * then by byte, the codes count upwards, so that the lengths say everything. The end-of-string symbol has
 * 30 bits, all set.
 */
const LENGTHS = [
  ...[13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28],
  ...[28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28],
  ...[6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6],
  ...[5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10],
  ...[13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7],
  ...[7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6],
  ...[15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5],
  ...[6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28],
  ...[20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23],
  ...[24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24],
  ...[22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23],
  ...[21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23],
  ...[26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25],
  ...[19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27],
  ...[20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23],
  ...[26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26],
] as const;

/** The code of the end of a string: never sent whole, and its beginning is the padding. */
const END_OF_STRING = { bits: 0x3fff_ffff, length: 30 } as const;

/** The code of a byte. */
export interface HuffmanCode {
  /** The bits, right-aligned. */
  readonly bits: number;
  /** How many they are. */
  readonly length: number;
}

/** The codes of the bytes 0 to 255, and at 256 that of the end of a string. */
export const HUFFMAN_CODES: readonly HuffmanCode[] = makeCodes();

function makeCodes(): readonly HuffmanCode[] {
  const codes: HuffmanCode[] = [];
  const byLength = LENGTHS.map((length, byte) => ({ length, byte }))
    .sort((a, b) => a.length - b.length || a.byte - b.byte);
  let bits = 0;
  let lastLength: number = byLength[0]?.length ?? 0;
  for (const { length, byte } of byLength) {
    bits <<= length - lastLength;
    codes[byte] = { bits, length };
    bits += 1;
    lastLength = length;
  }
  codes[LENGTHS.length] = END_OF_STRING;
  return codes;
}
