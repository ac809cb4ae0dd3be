// SPDX-License-Identifier: Apache-2.0

import { PermanentError } from "../../consensus/errors.ts";
import { parseEndpoint } from "../../core/endpoint.ts";
import type { Epoch } from "../../core/epoch.ts";
import { epochFromHalves, epochToHalves } from "../../core/epoch.ts";
import type { LeaseRecord } from "../../core/lease_table.ts";
import { PHYSICAL_MS_MAX } from "../../core/timestamp.ts";
import type { Standing } from "../cluster/store.ts";
import { decodeLeaseRecord } from "../records/lease_record.ts";
import { RecordError } from "../records/record_error.ts";
import type { Row } from "./session.ts";

/** Largest `bigint` of PostgreSQL. */
const INT8_MAX = (1n << 63n) - 1n;

/** An epoch as the columns hold it. */
export interface EpochColumns {
  /** Column `incarnation`. */
  readonly incarnation: string;
  /** Column `term`. */
  readonly term: string;
}

/** The columns of an epoch; `undefined` for one that no row can hold. */
export function epochColumns(epoch: Epoch): EpochColumns | undefined {
  const { hi, lo } = epochToHalves(epoch);
  if (hi > INT8_MAX || lo > INT8_MAX) return undefined;
  return { incarnation: String(hi), term: String(lo) };
}

/** Reads a column that is never null. */
export function textOf(row: Row, column: string): string {
  const text = row[column];
  if (typeof text === "string") return text;
  throw damaged(column, text);
}

/** Reads a whole number. */
export function bigintOf(row: Row, column: string): bigint {
  const text = textOf(row, column);
  if (/^[0-9]+$/.test(text)) return BigInt(text);
  throw damaged(column, text);
}

/** Reads a high-water in milliseconds. */
export function highWaterOf(row: Row): number {
  const value = bigintOf(row, "high_water");
  if (value <= BigInt(PHYSICAL_MS_MAX)) return Number(value);
  throw damaged("high_water", String(value));
}

/** Reads the leadership. */
export function standingOf(row: Row): Standing {
  const incarnation = bigintOf(row, "incarnation");
  const term = bigintOf(row, "term");
  const found = { incarnation, beat: textOf(row, "beat"), resigned: row["resigned"] === "t" };
  if (term === 0n) return { ...found, term: undefined };
  const epoch = epochFromHalves({ hi: incarnation, lo: term });
  const endpoint = parseEndpoint(textOf(row, "endpoint"));
  return { ...found, term: { epoch, claimId: textOf(row, "claim_id"), endpoint } };
}

/** Reads all leases. */
export function leasesOf(row: Row): readonly LeaseRecord[] {
  const { leases } = row;
  if (typeof leases !== "string") return [];
  try {
    return decodeLeaseRecord(bytesOfHex(leases), "tsoracle.state, column leases");
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    throw new PermanentError(error.message, { cause: error });
  }
}

/** The bytes of a text of hexadecimal digits. */
function bytesOfHex(hex: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array((hex.match(/../g) ?? []).map((digits) => parseInt(digits, 16)));
}

/** Bytes as hexadecimal digits. */
export function hexOfBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A key of a sequence as the column holds it: bytes, as a text of PostgreSQL cannot hold every character. */
export function hexOfKey(key: string): string {
  return hexOfBytes(new TextEncoder().encode(key));
}

/** The inverse of {@linkcode hexOfKey}. */
export function keyOfHex(hex: string): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytesOfHex(hex));
}

function damaged(column: string, found: string | null | undefined): PermanentError {
  return new PermanentError(
    `Cannot use the store as its column '${column}' holds ${found}, which this driver never wrote`,
  );
}
