// SPDX-License-Identifier: Apache-2.0

import { isPhysicalMs, PHYSICAL_MS_MAX } from "../../core/timestamp.ts";
import { crc32c } from "./crc32c.ts";
import { FileStateError, REPLACE_STATE } from "./errors.ts";
import type { FileStateErrorCode } from "./errors.ts";

/** Length of a state record in bytes (behaviour.md 5.1 and 15.2; docs/file-format.md). */
export const STATE_RECORD_LENGTH = 17;

const MAGIC = new TextEncoder().encode("TSOR");
const VERSION = 1;
const VERSION_AT = 4;
const HIGH_WATER_AT = 5;
const CHECKSUM_AT = 13;

/**
 * Writes a high-water as a state record.
 *
 * @param highWaterMs milliseconds since the Unix epoch, 0 to 2^46 - 1
 * @throws {RangeError} if the high-water does not fit 46 bits
 */
export function encodeStateRecord(highWaterMs: number): Uint8Array {
  if (!isPhysicalMs(highWaterMs)) {
    throw new RangeError(
      `Cannot encode as 'highWaterMs' must be a whole number from 0 to ${PHYSICAL_MS_MAX}: current value is ${highWaterMs}`,
    );
  }
  const bytes = new Uint8Array(STATE_RECORD_LENGTH);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint8(VERSION_AT, VERSION);
  view.setBigUint64(HIGH_WATER_AT, BigInt(highWaterMs), true);
  view.setUint32(CHECKSUM_AT, crc32c(bytes.subarray(0, CHECKSUM_AT)), true);
  return bytes;
}

/**
 * Reads a state record and refuses everything that is not exactly one: stricter than the original, which
 * lets bytes follow the record.
 *
 * @param path the file that the bytes come from, for the message
 * @returns the high-water in milliseconds, 0 to 2^46 - 1
 * @throws {FileStateError} `corrupt`, `truncated`, `unsupported-version` or `out-of-range`
 */
export function decodeStateRecord(bytes: Uint8Array, path: string): number {
  const refuse = (code: FileStateErrorCode, found: string) =>
    new FileStateError(code, `Cannot read '${path}': ${found}; ${REPLACE_STATE}`, { path });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkHeader(bytes, path, refuse);
  if (bytes.length < STATE_RECORD_LENGTH) {
    throw refuse("truncated", `it ends after ${bytes.length} of ${STATE_RECORD_LENGTH} bytes`);
  }
  if (bytes.length > STATE_RECORD_LENGTH) {
    throw refuse("corrupt", `bytes follow its record of ${STATE_RECORD_LENGTH} bytes`);
  }
  const stored = view.getUint32(CHECKSUM_AT, true);
  const computed = crc32c(bytes.subarray(0, CHECKSUM_AT));
  if (stored !== computed) {
    throw refuse("corrupt", `its checksum is ${hex(stored)}, its bytes give ${hex(computed)}`);
  }
  const highWater = view.getBigUint64(HIGH_WATER_AT, true);
  if (highWater > BigInt(PHYSICAL_MS_MAX)) {
    throw refuse("out-of-range", `its high-water ${highWater} exceeds ${PHYSICAL_MS_MAX}`);
  }
  return Number(highWater);
}

/** Magic and version come before the length: a record of another version may have another length. */
function checkHeader(
  bytes: Uint8Array,
  path: string,
  refuse: (code: FileStateErrorCode, found: string) => FileStateError,
): void {
  const magic = bytes.subarray(0, MAGIC.length);
  if (magic.some((byte, index) => byte !== MAGIC[index])) {
    throw refuse("corrupt", "it does not begin with 'TSOR', so it is no state record");
  }
  const version = bytes[VERSION_AT];
  if (version === undefined || version === VERSION) return;
  throw new FileStateError(
    "unsupported-version",
    `Cannot read '${path}': its format version is ${version}, this release knows ${VERSION}; start the release that wrote it`,
    { path },
  );
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}
