// SPDX-License-Identifier: Apache-2.0

import { UINT64_MAX } from "../../core/integer_limits.ts";
import { MAX_LEASE_HOLDER_BYTES } from "../../core/lease_table.ts";
import type { LeaseRecord } from "../../core/lease_table.ts";
import { PHYSICAL_MS_MAX } from "../../core/timestamp.ts";
import { RecordReader, RecordWriter } from "./record_frame.ts";
import type { RecordKind } from "./record_frame.ts";

/** Magic, version and number of leases, checksum (behaviour.md 5.1 and 15.4). */
const FRAME_LENGTH = 13;

/** Length of a lease without its holder. */
const LEASE_LENGTH = 43;

const LEASES: RecordKind = {
  magic: "TSOO",
  name: "lease",
  leastLength: FRAME_LENGTH,
  fixedLength: false,
};

/**
 * Writes leases as a record, in the order of their ids.
 *
 * @throws {RangeError} if a number or a holder does not fit, or two leases share an id
 */
export function encodeLeaseRecord(leases: readonly LeaseRecord[]): Uint8Array {
  const sorted = leases.toSorted((one, other) => one.leaseId - other.leaseId);
  const length = sorted.reduce(
    (sum, { holder }) => sum + LEASE_LENGTH + holder.length,
    FRAME_LENGTH,
  );
  const writer = new RecordWriter(LEASES, length);
  writer.u32(sorted.length);
  let previousId = -1;
  for (const lease of sorted) {
    checkLease(lease, previousId);
    previousId = lease.leaseId;
    writer.u64(BigInt(lease.leaseId));
    writer.u16(lease.holder.length);
    writer.raw(lease.holder);
    writer.u64(lease.holderEpoch);
    writer.u64(BigInt(lease.ttlMs));
    writer.u64(BigInt(lease.boundMs));
    writer.u64(BigInt(lease.expiresAtMs));
    writer.u8(lease.superseded ? 1 : 0);
  }
  return writer.seal();
}

/**
 * Reads a record of leases and refuses everything that is not exactly one.
 *
 * @param path the file or the key that the bytes come from, for the message
 * @returns the leases in the order of their ids
 * @throws {RecordError} `corrupt`, `truncated`, `unsupported-version` or `out-of-range`
 */
export function decodeLeaseRecord(bytes: Uint8Array, path: string): readonly LeaseRecord[] {
  const reader = new RecordReader(bytes, { kind: LEASES, path });
  const leases: LeaseRecord[] = [];
  let previousId = -1;
  for (let left = reader.u32(); left > 0; left--) {
    const lease = readLease(reader);
    if (lease.leaseId <= previousId) {
      throw reader.refusal("corrupt", `its lease ${lease.leaseId} is not above ${previousId}`);
    }
    previousId = lease.leaseId;
    leases.push(lease);
  }
  reader.end();
  return leases;
}

/** The properties are read in the order in which they are written. */
function readLease(reader: RecordReader): LeaseRecord {
  return {
    leaseId: reader.number("lease id", PHYSICAL_MS_MAX),
    holder: readHolder(reader),
    holderEpoch: reader.u64(),
    ttlMs: reader.number("ttl"),
    boundMs: reader.number("bound", PHYSICAL_MS_MAX),
    expiresAtMs: reader.number("expiry"),
    superseded: readFlag(reader),
  };
}

function readHolder(reader: RecordReader): Uint8Array {
  const length = reader.u16();
  if (length >= 1 && length <= MAX_LEASE_HOLDER_BYTES) {
    return new Uint8Array(reader.raw(length));
  }
  throw reader.refusal("corrupt", `its holder at byte ${reader.at} has ${length} bytes`);
}

function readFlag(reader: RecordReader): boolean {
  const flag = reader.u8();
  if (flag <= 1) return flag === 1;
  throw reader.refusal("corrupt", `its flag before byte ${reader.at} is ${flag}, not 0 or 1`);
}

function checkLease(lease: LeaseRecord, previousId: number): void {
  const { leaseId, holder, holderEpoch } = lease;
  checkNumber("leaseId", leaseId, PHYSICAL_MS_MAX);
  checkNumber("boundMs", lease.boundMs, PHYSICAL_MS_MAX);
  checkNumber("ttlMs", lease.ttlMs, Number.MAX_SAFE_INTEGER);
  checkNumber("expiresAtMs", lease.expiresAtMs, Number.MAX_SAFE_INTEGER);
  if (leaseId === previousId) {
    throw new RangeError(
      `Cannot encode as two leases have the id ${leaseId}: each must have its own`,
    );
  }
  if (holder.length < 1 || holder.length > MAX_LEASE_HOLDER_BYTES) {
    throw new RangeError(
      `Cannot encode as 'holder' must have 1 to ${MAX_LEASE_HOLDER_BYTES} bytes: current length is ${holder.length}`,
    );
  }
  if (holderEpoch < 0n || holderEpoch > UINT64_MAX) {
    throw new RangeError(
      `Cannot encode as 'holderEpoch' must be from 0 to ${UINT64_MAX}: current value is ${holderEpoch}`,
    );
  }
}

function checkNumber(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return;
  throw new RangeError(
    `Cannot encode as '${name}' must be a whole number from 0 to ${max}: current value is ${value}`,
  );
}
