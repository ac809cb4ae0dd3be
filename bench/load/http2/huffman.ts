// SPDX-License-Identifier: Apache-2.0

/**
 * The characters of the Huffman code of HPACK by the length of their code (RFC 7541, appendix B). The code
 * is canonical: within a length, and from one length to the next, codes count up in this order. Longer ones
 * belong to characters that no header of an answer has.
 */
const BY_LENGTH: readonly (readonly [length: number, characters: string])[] = [
  [5, "012aceiost"],
  [6, " %-./3456789=A_bdfghlmnpru"],
  [7, ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"],
  [8, "&*,;XZ"],
  [10, '!"()?'],
  [11, "'+|"],
  [12, "#>"],
  [13, "\x00$@[]~"],
  [14, "^}"],
  [15, "<`{"],
];

const LONGEST_BITS = 15;
const CHARACTERS = charactersByCode();

/**
 * Decodes a string of HPACK.
 *
 * @throws {Error} if it holds a character outside of printable ASCII, or a backslash
 */
export function decodeHuffman(bytes: Uint8Array): string {
  let text = "";
  let code = 1;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1);
      const character = CHARACTERS.get(code);
      if (character === undefined) {
        if (code >= 2 << LONGEST_BITS) throw new Error("cannot decode a header of the answer");
        continue;
      }
      text += character;
      code = 1;
    }
  }
  return text;
}

/** Codes are kept with a 1 in front, so that those of different lengths differ. */
function charactersByCode(): ReadonlyMap<number, string> {
  const characters = new Map<number, string>();
  let code = 0;
  let codeBits = 0;
  for (const [bits, symbols] of BY_LENGTH) {
    for (const symbol of symbols) {
      code = code << (bits - codeBits);
      codeBits = bits;
      characters.set(code + (1 << bits), symbol);
      code++;
    }
  }
  return characters;
}
