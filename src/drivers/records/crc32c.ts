// SPDX-License-Identifier: Apache-2.0

/** The Castagnoli polynomial, bits reversed (RFC 3720, appendix B.4). */
const POLYNOMIAL = 0x82f63b78;

/** What a byte does to the checksum when 0, 1, 2 or 3 bytes follow it: four bytes go in one step. */
const [ALONE, BEFORE_1, BEFORE_2, BEFORE_3] = makeTables();

/**
 * The CRC-32C (Castagnoli) of some bytes. The check value of ASCII "123456789" is 0xE3069283.
 *
 * @returns the checksum, 0 to 2^32 - 1
 */
export function crc32c(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length & ~3;
  let crc = -1;
  for (let at = 0; at < whole; at += 4) {
    crc ^= view.getInt32(at, true);
    crc = entry(BEFORE_3, crc) ^ entry(BEFORE_2, crc >>> 8) ^ entry(BEFORE_1, crc >>> 16) ^
      entry(ALONE, crc >>> 24);
  }
  for (let at = whole; at < bytes.length; at++) {
    crc = (crc >>> 8) ^ entry(ALONE, crc ^ view.getUint8(at));
  }
  return ~crc >>> 0;
}

function entry(table: Int32Array, value: number): number {
  return table[value & 0xff] as number;
}

function makeTables(): readonly [Int32Array, Int32Array, Int32Array, Int32Array] {
  const alone = Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    return crc;
  });
  const shift = (table: Int32Array) => table.map((crc) => (crc >>> 8) ^ entry(alone, crc));
  const before1 = shift(alone);
  const before2 = shift(before1);
  return [alone, before1, before2, shift(before2)];
}
