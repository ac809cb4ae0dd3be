// SPDX-License-Identifier: Apache-2.0

import type { MessageInitShape } from "@bufbuild/protobuf";
import { Compare_CompareResult, Compare_CompareTarget } from "../../gen/etcdserverpb/rpc_pb.ts";
import type {
  CompareSchema,
  KeyValue,
  RequestOpSchema,
  TxnRequestSchema,
  TxnResponse,
} from "../../gen/etcdserverpb/rpc_pb.ts";
import type { KeyRange } from "./keys.ts";

/** A condition of a transaction. */
export type Condition = MessageInitShape<typeof CompareSchema>;
/** An operation of a transaction. */
export type Operation = MessageInitShape<typeof RequestOpSchema>;
/** A transaction. */
export type Transaction = MessageInitShape<typeof TxnRequestSchema>;

/** A key, or all keys of a range. */
export type Place = Uint8Array | KeyRange;

/** Holds if the key was last written in that revision; 0: if it is missing. */
export function writtenIn(key: Uint8Array, revision: bigint): Condition {
  return {
    result: Compare_CompareResult.EQUAL,
    target: Compare_CompareTarget.MOD,
    key,
    targetUnion: { case: "modRevision", value: revision },
  };
}

/** Holds if the key is there and has that value. */
export function hasValue(key: Uint8Array, value: Uint8Array): Condition {
  return {
    result: Compare_CompareResult.EQUAL,
    target: Compare_CompareTarget.VALUE,
    key,
    targetUnion: { case: "value", value },
  };
}

/** Holds if the key is there and its value comes before another, byte by byte. */
export function hasValueBelow(key: Uint8Array, value: Uint8Array): Condition {
  return { ...hasValue(key, value), result: Compare_CompareResult.LESS };
}

/** Holds if no such key is there. */
export function isAbsent(place: Place): Condition {
  return {
    result: Compare_CompareResult.EQUAL,
    target: Compare_CompareTarget.CREATE,
    ...placeOf(place),
    targetUnion: { case: "createRevision", value: 0n },
  };
}

/** Reads. */
export function read(place: Place): Operation {
  return { request: { case: "requestRange", value: placeOf(place) } };
}

/** Writes. */
export function put(key: Uint8Array, value: Uint8Array): Operation {
  return { request: { case: "requestPut", value: { key, value } } };
}

/** Removes. */
export function remove(key: Uint8Array): Operation {
  return { request: { case: "requestDeleteRange", value: { key } } };
}

/** What the reads of a transaction found, all together. */
export function foundBy(response: TxnResponse): readonly KeyValue[] {
  return response.responses.flatMap(({ response }) =>
    response.case === "responseRange" ? response.value.kvs : []
  );
}

/** The revision of what a transaction wrote. */
export function revisionOf(response: TxnResponse): bigint {
  return response.header?.revision ?? 0n;
}

function placeOf(place: Place): KeyRange | { readonly key: Uint8Array } {
  return place instanceof Uint8Array ? { key: place } : place;
}
