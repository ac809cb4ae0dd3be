// SPDX-License-Identifier: Apache-2.0

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Epoch } from "../../core/epoch.ts";
import { isPhysicalMs, LOGICAL_MAX } from "../../core/timestamp.ts";
import { GetTsResponseSchema } from "../../gen/tsoracle/v1/tso_pb.ts";
import type { GetTsResponse } from "../../gen/tsoracle/v1/tso_pb.ts";
import type { BatchGrant } from "../grants.ts";
import { readTimestamps } from "./response_check.ts";

/** Keys of fields that are varints (proto/tsoracle/v1/tso.proto). */
const KEY = { physicalMs: 0x08, logicalStart: 0x10, count: 0x18 } as const;

/** Seven bytes of a varint hold the largest millisecond. */
const LAST_FACTOR = 2 ** 42;

/**
 * Reads encoded answers of GetTs. A leader writes its epoch in the same bytes each time, behind three small numbers: such
 * an answer is read without protobuf, and every other one with it.
 */
export class TimestampAnswers {
  #epoch: Epoch = 0n;
  /** The last fields of an answer with that epoch. */
  #epochFields = new Uint8Array(0);
  #at = 0;

  /**
   * Reads an answer.
   *
   * @param count how many were asked for, 1 to 262144
   * @throws {ConnectError} if it is no message
   * @throws {BadAnswerError} if it is not one block of `count` timestamps
   */
  read(message: Uint8Array, count: number): BatchGrant {
    return this.#readUsual(message, count) ?? this.#readAny(message, count);
  }

  #readUsual(message: Uint8Array, count: number): BatchGrant | undefined {
    this.#at = 0;
    const physicalMs = this.#readField(message, KEY.physicalMs);
    const logicalStart = this.#readField(message, KEY.logicalStart);
    if (this.#readField(message, KEY.count) !== count || !this.#endsWithEpoch(message)) return;
    if (logicalStart + count - 1 > LOGICAL_MAX || !isPhysicalMs(physicalMs)) return;
    return { physicalMs, logicalStart, count, epoch: this.#epoch };
  }

  /** A field that is left out is zero. One that is too long is read with protobuf. */
  #readField(message: Uint8Array, key: number): number {
    if (message[this.#at] !== key) return 0;
    let value = 0;
    let at = this.#at + 1;
    for (let factor = 1; factor <= LAST_FACTOR; factor *= 0x80) {
      const byte = message[at++] ?? 0x80;
      value += (byte & 0x7f) * factor;
      if (byte >= 0x80) continue;
      this.#at = at;
      return value;
    }
    return NaN;
  }

  #endsWithEpoch(message: Uint8Array): boolean {
    const fields = this.#epochFields;
    if (message.length - this.#at !== fields.length) return false;
    for (let i = 0; i < fields.length; i++) {
      if (message[this.#at + i] !== fields[i]) return false;
    }
    return true;
  }

  #readAny(message: Uint8Array, count: number): BatchGrant {
    const answer = decode(message);
    const grant = readTimestamps(answer, count);
    if (grant.epoch !== this.#epoch) {
      const { epochHi, epochLo } = answer;
      this.#epochFields = encode({ epochHi, epochLo });
      this.#epoch = grant.epoch;
    }
    return grant;
  }
}

function encode(epoch: Pick<GetTsResponse, "epochHi" | "epochLo">): Uint8Array<ArrayBuffer> {
  return toBinary(GetTsResponseSchema, create(GetTsResponseSchema, epoch));
}

function decode(message: Uint8Array): GetTsResponse {
  try {
    return fromBinary(GetTsResponseSchema, message);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConnectError(`parse binary: ${why}`, Code.Internal);
  }
}
