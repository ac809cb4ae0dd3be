// SPDX-License-Identifier: Apache-2.0

import type { DescMethod } from "@bufbuild/protobuf";
import type { HeaderField } from "../http2/hpack/header_field.ts";
import type { RequestFields } from "../http2/request_blocks.ts";
import { VERSION } from "../version.ts";

/** The largest number that `grpc-timeout` has room for. */
const MAX_TIMEOUT_VALUE = 99_999_999;

const NO_FIELDS: readonly HeaderField[] = [];

/** What of a head is not the same for all calls of a method. */
export interface CallHeadOptions {
  /** The longest that the call may take, in milliseconds; the server is told. */
  readonly timeoutMs?: number | undefined;
  /** Fields of the caller. */
  readonly header?: HeadersInit | undefined;
}

/** The heads of calls to one origin. */
export class CallHeads {
  readonly #origin: URL;
  /** The fields that all calls of a method have. */
  readonly #common = new Map<DescMethod, readonly HeaderField[]>();

  /** Takes the origin of the URLs. */
  constructor(origin: string) {
    this.#origin = new URL(origin);
  }

  /** The head of a call. */
  fields(method: DescMethod, { timeoutMs, header }: CallHeadOptions = {}): RequestFields {
    return {
      common: this.#commonFields(method),
      usual: timeoutMs === undefined ? undefined : timeoutField(timeoutMs),
      others: header === undefined ? NO_FIELDS : fieldsOf(header),
    };
  }

  #commonFields(method: DescMethod): readonly HeaderField[] {
    const known = this.#common.get(method);
    if (known !== undefined) return known;
    const { host, protocol, pathname } = this.#origin;
    const fields = Object.entries({
      ":method": "POST",
      ":scheme": protocol.replace(":", ""),
      ":authority": host,
      ":path": `${pathname.replace(/\/$/, "")}/${method.parent.typeName}/${method.name}`,
      "content-type": "application/grpc+proto",
      "user-agent": `tsoracle-ts/${VERSION}`,
      "te": "trailers",
    }).map(([name, value]) => ({ name, value }));
    this.#common.set(method, fields);
    return fields;
  }
}

function timeoutField(timeoutMs: number): HeaderField {
  const isShort = timeoutMs <= MAX_TIMEOUT_VALUE;
  const value = isShort ? `${Math.ceil(timeoutMs)}m` : `${Math.ceil(timeoutMs / 1_000)}S`;
  return { name: "grpc-timeout", value };
}

function fieldsOf(header: HeadersInit): readonly HeaderField[] {
  return [...new Headers(header)].map(([name, value]) => ({ name, value }));
}
