// SPDX-License-Identifier: Apache-2.0

import type { Grant } from "../../core/allocator.ts";
import type { Epoch } from "../../core/epoch.ts";
import { epochToHalves } from "../../core/epoch.ts";
import { MAX_COUNT } from "../../core/timestamp.ts";

/** Length of what stands before a message of gRPC: a flag and the length. */
export const GRPC_PREFIX_BYTES = 5;

/** Keys of fields that are varints (proto/tsoracle/v1/tso.proto). */
const KEY = { count: 0x08, physicalMs: 0x08, logicalStart: 0x10, granted: 0x18 } as const;
const KEY_EPOCH_HI = 0x20;
const KEY_EPOCH_LO = 0x28;

/** What four bytes of a varint hold, and one more. */
const FOUR_VARINT_BYTES = 0x1000_0000;

/** A message that is not the plain form of a request. */
export const NOT_PLAIN = 0;

/**
 * Reads a GetTsRequest from `start` to `end` if it stands there in its plain form: the count alone, without a byte more
 * than it needs.
 *
 * @returns the count, 1 to 262144, or `NOT_PLAIN`
 */
export function readGetTsRequest(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < 2 || length > 4 || bytes[start] !== KEY.count) return NOT_PLAIN;
  let count = 0;
  let shift = 0;
  for (let at = start + 1; at < end; at++) {
    const byte = bytes[at] as number;
    const isLast = at === end - 1;
    if ((byte < 0x80) !== isLast || (isLast && byte === 0)) return NOT_PLAIN;
    count |= (byte & 0x7f) << shift;
    shift += 7;
  }
  return count <= MAX_COUNT ? count : NOT_PLAIN;
}

/** Writes the plain form of a GetTsRequest: what `readGetTsRequest` has read. */
export function getTsRequest(count: number): Uint8Array {
  const bytes = new Uint8Array(8);
  bytes[0] = KEY.count;
  return bytes.subarray(0, writeVarint(bytes, 1, count));
}

/** Writes GetTsResponse messages, as protobuf does: fields in their order, zeros left out. */
export class GetTsResponseWriter {
  #epoch: Epoch | undefined;
  #epochFields: Uint8Array = new Uint8Array(0);

  /** Length of the message of a grant in bytes, at most 44. */
  lengthOf({ physicalMs, logicalStart, count, epoch }: Grant): number {
    if (epoch !== this.#epoch) this.#setEpoch(epoch);
    return fieldBytes(physicalMs) + fieldBytes(logicalStart) + fieldBytes(count) +
      this.#epochFields.length;
  }

  /** Writes the message of a grant at an offset, where there must be room for it. */
  write(grant: Grant, bytes: Uint8Array, offset: number): void {
    if (grant.epoch !== this.#epoch) this.#setEpoch(grant.epoch);
    let at = offset;
    at = writeField(bytes, at, KEY.physicalMs, grant.physicalMs);
    at = writeField(bytes, at, KEY.logicalStart, grant.logicalStart);
    at = writeField(bytes, at, KEY.granted, grant.count);
    const fields = this.#epochFields;
    for (let i = 0; i < fields.length; i++) bytes[at++] = fields[i] as number;
  }

  #setEpoch(epoch: Epoch): void {
    const { hi, lo } = epochToHalves(epoch);
    this.#epochFields = Uint8Array.from([
      ...epochField(KEY_EPOCH_HI, hi),
      ...epochField(KEY_EPOCH_LO, lo),
    ]);
    this.#epoch = epoch;
  }
}

/** Length of a field, its key included; a zero is left out. */
function fieldBytes(value: number): number {
  if (value === 0) return 0;
  let bytes = 2;
  for (let limit = 0x80; value >= limit; limit *= 0x80) bytes += 1;
  return bytes;
}

function writeField(bytes: Uint8Array, at: number, key: number, value: number): number {
  if (value === 0) return at;
  bytes[at] = key;
  return writeVarint(bytes, at + 1, value);
}

/** Values up to 2^53: beyond 32 bits the operators on bits do not reach, so four bytes of them are split off. */
function writeVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  if (value >= FOUR_VARINT_BYTES) {
    rest = Math.floor(value / FOUR_VARINT_BYTES);
    const low = value - rest * FOUR_VARINT_BYTES;
    for (let shift = 0; shift < 28; shift += 7) bytes[at++] = (low >>> shift) & 0x7f | 0x80;
  }
  for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  return at;
}

function epochField(key: number, half: bigint): readonly number[] {
  if (half === 0n) return [];
  const bytes = [key];
  let rest = half;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
}
