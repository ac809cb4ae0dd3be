// SPDX-License-Identifier: Apache-2.0

import { UINT64_MAX } from "../../core/integer_limits.ts";
import { unpackTimestamp } from "../../core/timestamp.ts";
import { defineCommand } from "../command.ts";
import { JSON_FLAG } from "../common.ts";
import { EXIT, UsageError } from "../errors.ts";

/** A timestamp in every form that a person may want. */
export interface DecodedTimestamp {
  /** The 64-bit value, in decimal. */
  readonly packed: string;
  /** The 64-bit value, in hexadecimal with `0x`. */
  readonly hex: string;
  /** Milliseconds since the Unix epoch. */
  readonly physicalMs: number;
  /** Counter within the millisecond. */
  readonly logical: number;
  /** The physical part as ISO 8601, in UTC. */
  readonly date: string;
}

/**
 * Takes a packed timestamp apart.
 *
 * @param text decimal, or hexadecimal after `0x`
 * @throws {UsageError} if it is no number, or does not fit 64 unsigned bits
 */
export function decodeTimestamp(text: string): DecodedTimestamp {
  if (!/^(?:-?[0-9]{1,40}|0x[0-9a-f]{1,40})$/i.test(text)) {
    throw new UsageError(
      `Cannot decode ${
        JSON.stringify(text)
      }: a timestamp is a decimal number, or hexadecimal after 0x`,
    );
  }
  const packed = BigInt(text);
  if (packed < 0n || packed > UINT64_MAX) {
    throw new UsageError(
      `Cannot decode ${text}: a timestamp is an unsigned 64-bit number, 0 to ${UINT64_MAX}`,
    );
  }
  const { physicalMs, logical } = unpackTimestamp(packed);
  const date = new Date(physicalMs).toISOString();
  return { packed: String(packed), hex: `0x${packed.toString(16)}`, physicalMs, logical, date };
}

/** `tsoracle decode`. */
export const DECODE_COMMAND = defineCommand({
  name: "decode",
  operands: "TIMESTAMP",
  summary: "Take a timestamp apart into time and counter",
  examples: [
    { line: "tsoracle decode 445644800000000005", effect: "time, counter and hexadecimal form" },
    { line: "tsoracle decode 0x62f3f95a0000005 --json", effect: "the same, for programs" },
  ],
  notes: ["TIMESTAMP is a packed 64-bit timestamp, decimal or hexadecimal."],
  flags: { json: JSON_FLAG },
  body({ settings, operands, context }) {
    const [text, ...more] = operands;
    if (text === undefined || more.length > 0) {
      throw new UsageError("Cannot decode: give exactly one timestamp, such as 445644800000000005");
    }
    const decoded = decodeTimestamp(text);
    context.stdout.write(settings.json ? `${JSON.stringify(decoded)}\n` : asText(decoded));
    return Promise.resolve(EXIT.ok);
  },
});

function asText(decoded: DecodedTimestamp): string {
  const { packed, hex, physicalMs, logical, date } = decoded;
  const rows = { packed, hex, physical_ms: physicalMs, logical, date };
  return Object.entries(rows).map(([name, value]) => `${name.padEnd(12)}${value}\n`).join("");
}
