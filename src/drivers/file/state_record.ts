// SPDX-License-Identifier: Apache-2.0

import { isPhysicalMs, PHYSICAL_MS_MAX } from "../../core/timestamp.ts";
import { RecordReader, RecordWriter } from "../records/record_frame.ts";
import type { RecordKind } from "../records/record_frame.ts";

/** Length of a state record in bytes (behaviour.md 5.1 and 15.2; docs/file-format.md). */
export const STATE_RECORD_LENGTH = 17;

const STATE: RecordKind = {
  magic: "TSOR",
  name: "state",
  leastLength: STATE_RECORD_LENGTH,
  fixedLength: true,
};

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
  const writer = new RecordWriter(STATE, STATE_RECORD_LENGTH);
  writer.u64(BigInt(highWaterMs));
  return writer.seal();
}

/**
 * Reads a state record and refuses everything that is not exactly one: stricter than the original, which
 * lets bytes follow the record.
 *
 * @param path the file that the bytes come from, for the message
 * @returns the high-water in milliseconds, 0 to 2^46 - 1
 * @throws {RecordError} `corrupt`, `truncated`, `unsupported-version` or `out-of-range`
 */
export function decodeStateRecord(bytes: Uint8Array, path: string): number {
  const reader = new RecordReader(bytes, { kind: STATE, path });
  const highWaterMs = reader.number("high-water", PHYSICAL_MS_MAX);
  reader.end();
  return highWaterMs;
}
