// SPDX-License-Identifier: Apache-2.0

import type { HeaderField } from "./hpack/header_field.ts";
import type { FieldList } from "./hpack/hpack_decoder.ts";

/** The head of a request, found to be well formed. Requests with equal heads may share it. */
export interface RequestHead {
  /** The method, such as `POST`. */
  readonly method: string;
  /** The scheme, empty for CONNECT. */
  readonly scheme: string;
  /** The host that is meant, empty if it was not said. */
  readonly authority: string;
  /** Path and query, empty for CONNECT. */
  readonly path: string;
  /** The other fields, in their order. */
  readonly fields: readonly HeaderField[];
  /** The announced length of the body in bytes. */
  readonly contentLength: number | undefined;
}

/** What a header block means as the head of a request, and who takes requests with it. */
export type HeadReading<Taker> =
  | { readonly kind: "head"; readonly head: RequestHead; readonly taker: Taker }
  | { readonly kind: "malformed"; readonly text: string }
  | { readonly kind: "too large" };

/** Fields that belong to one connection of HTTP/1.1 (RFC 9113, 8.2.2). */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

const PSEUDO_HEADERS: ReadonlySet<string> = new Set([":method", ":scheme", ":authority", ":path"]);

/**
 * Reads a list of fields as the head of a request.
 *
 * @param route finds who takes requests with a head; not asked again while that is remembered
 */
export function readHead<Taker>(
  { fields, isTooLarge }: FieldList,
  route: (head: RequestHead) => Taker,
): HeadReading<Taker> {
  if (isTooLarge) return { kind: "too large" };
  const head = readRequestHead(fields);
  if (typeof head === "string") return { kind: "malformed", text: head };
  return { kind: "head", head, taker: route(head) };
}

/**
 * Checks and reads the head of a request (RFC 9113, 8.2 and 8.3).
 *
 * @returns the head, or a sentence on what is wrong with it
 */
export function readRequestHead(list: readonly HeaderField[]): RequestHead | string {
  const pseudo = new Map<string, string>();
  const fields: HeaderField[] = [];
  for (const field of list) {
    if (field.name.startsWith(":")) {
      const fault = pseudoFault(field, pseudo, fields.length > 0);
      if (fault !== undefined) return fault;
      pseudo.set(field.name, field.value);
    } else {
      const fault = fieldFault(field);
      if (fault !== undefined) return fault;
      fields.push(field);
    }
  }
  return completeHead(pseudo, fields);
}

/** A sentence on what is wrong with trailers, if there is something. */
export function trailersFault(list: readonly HeaderField[]): string | undefined {
  for (const field of list) {
    const fault = field.name.startsWith(":") ? `a trailer ${field.name}` : fieldFault(field);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function pseudoFault(
  { name, value }: HeaderField,
  seen: ReadonlyMap<string, string>,
  isLate: boolean,
): string | undefined {
  if (!PSEUDO_HEADERS.has(name)) return "an unknown pseudo-header";
  if (seen.has(name)) return `${name} twice`;
  if (isLate) return `${name} behind another field`;
  return isFieldValue(value) ? undefined : `a value of ${name} that none can be`;
}

function completeHead(
  pseudo: ReadonlyMap<string, string>,
  fields: readonly HeaderField[],
): RequestHead | string {
  const method = pseudo.get(":method") ?? "";
  const scheme = pseudo.get(":scheme") ?? "";
  const path = pseudo.get(":path") ?? "";
  const authority = pseudo.get(":authority") ?? "";
  if (method === "") return "a request without :method";
  if (method === "CONNECT") {
    if (pseudo.has(":scheme") || pseudo.has(":path")) return "CONNECT with :scheme or :path";
    if (authority === "") return "CONNECT without :authority";
  } else {
    if (scheme === "") return "a request without :scheme";
    if (path === "") return "a request without :path";
    const isAsterisk = path === "*" && method === "OPTIONS";
    if (!path.startsWith("/") && !isAsterisk && /^https?$/.test(scheme)) {
      return "a :path that is none";
    }
  }
  const contentLength = lengthOf(fields);
  if (contentLength === "odd") return "a content-length that is none";
  if (hasOtherHost(fields, authority)) return "a host that is not the one of :authority";
  return { method, scheme, authority, path, fields, contentLength };
}

/** Whether `host` names another than `:authority`, or, without one, another than before (RFC 9113, 8.3.1). */
function hasOtherHost(fields: readonly HeaderField[], authority: string): boolean {
  let host = authority.toLowerCase();
  for (const { name, value } of fields) {
    if (name !== "host") continue;
    host ||= value.toLowerCase();
    if (value.toLowerCase() !== host) return true;
  }
  return false;
}

/** A sentence on what is wrong with a field that is no pseudo-header, if there is something. */
export function fieldFault({ name, value }: HeaderField): string | undefined {
  if (!isFieldName(name)) return "a field name that none can be";
  if (!isFieldValue(value)) return `a value of ${name} that none can be`;
  if (CONNECTION_FIELDS.has(name)) return `${name}, which HTTP/2 does not have`;
  if (name === "te" && value !== "trailers") return "te with something else than trailers";
  return undefined;
}

/** A token without capitals (RFC 9113, 8.2.1; RFC 9110, 5.6.2). */
function isFieldName(name: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name);
}

/** Whether a field may have the value: no NUL, CR or LF, and no white space around it (RFC 9113, 8.2.1). */
export function isFieldValue(value: string): boolean {
  return !/[\0\r\n]|^[ \t]|[ \t]$/.test(value);
}

/** The announced length of a body in bytes, if there is one, or that it makes no sense. */
export function lengthOf(fields: readonly HeaderField[]): number | undefined | "odd" {
  let found: string | undefined;
  for (const { name, value } of fields) {
    if (name !== "content-length") continue;
    if (!/^\d{1,15}$/.test(value) || (found !== undefined && found !== value)) return "odd";
    found = value;
  }
  return found === undefined ? undefined : Number(found);
}
