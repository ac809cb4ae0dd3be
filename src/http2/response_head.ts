// SPDX-License-Identifier: Apache-2.0

import type { HeaderField } from "./hpack/header_field.ts";
import type { FieldList } from "./hpack/hpack_decoder.ts";
import { fieldFault, lengthOf, trailersFault } from "./request_head.ts";

/** The head of an answer, found to be well formed. Answers with equal heads may share it. */
export interface ResponseHead {
  /** The status, 100 to 999. */
  readonly status: number;
  /** The other fields, in their order. */
  readonly fields: readonly HeaderField[];
  /** The announced length of the body in bytes. */
  readonly contentLength: number | undefined;
}

/** What a header block means as a part of an answer. */
export type ResponseReading =
  | { readonly kind: "head"; readonly head: ResponseHead }
  | { readonly kind: "trailers"; readonly fields: readonly HeaderField[] }
  | { readonly kind: "malformed"; readonly text: string }
  | { readonly kind: "too large" };

/** Reads a list of fields as the head or the trailers of an answer (RFC 9113, 8.2 and 8.3.2). */
export function readResponse({ fields: list, isTooLarge }: FieldList): ResponseReading {
  if (isTooLarge) return { kind: "too large" };
  const [first, ...fields] = list;
  if (first?.name !== ":status") return readTrailers(list);
  if (!/^[1-9]\d\d$/.test(first.value)) return malformed("a :status that is none");
  for (const field of fields) {
    const fault = field.name.startsWith(":") ? "a pseudo-header too many" : fieldFault(field);
    if (fault !== undefined) return malformed(fault);
  }
  const contentLength = lengthOf(fields);
  if (contentLength === "odd") return malformed("a content-length that is none");
  return { kind: "head", head: { status: Number(first.value), fields, contentLength } };
}

function readTrailers(fields: readonly HeaderField[]): ResponseReading {
  const fault = trailersFault(fields);
  return fault === undefined ? { kind: "trailers", fields } : malformed(fault);
}

function malformed(text: string): ResponseReading {
  return { kind: "malformed", text };
}
