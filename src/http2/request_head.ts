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

/** No white space and no control characters. */
const VISIBLE = /^[!-~\x80-\xff]*$/;

/** What the pseudo-headers of a request can be. Those that may not be empty are looked at with the whole head. */
const PSEUDO_HEADERS: ReadonlyMap<string, RegExp> = new Map([
  [":method", /^[!#$%&'*+\-.^_`|~0-9A-Za-z]*$/],
  [":scheme", /^(?:[A-Za-z][A-Za-z0-9+\-.]*)?$/],
  [":authority", VISIBLE],
  [":path", VISIBLE],
]);

/** The ports that need not be said, with their colon, by their schemes. */
const DEFAULT_PORTS: ReadonlyMap<string, string> = new Map([["http", ":80"], ["https", ":443"]]);

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
function readRequestHead(list: readonly HeaderField[]): RequestHead | string {
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
  const form = PSEUDO_HEADERS.get(name);
  if (form === undefined) return "an unknown pseudo-header";
  if (seen.has(name)) return `${name} twice`;
  if (isLate) return `${name} behind another field`;
  return form.test(value) ? undefined : `a value of ${name} that none can be`;
}

function completeHead(
  pseudo: ReadonlyMap<string, string>,
  fields: readonly HeaderField[],
): RequestHead | string {
  const method = pseudo.get(":method") ?? "";
  const scheme = pseudo.get(":scheme") ?? "";
  const path = pseudo.get(":path") ?? "";
  const authority = pseudo.get(":authority") ?? "";
  const port = DEFAULT_PORTS.get(scheme.toLowerCase());
  if (method === "") return "a request without :method";
  if (method === "CONNECT") {
    if (pseudo.has(":scheme") || pseudo.has(":path")) return "CONNECT with :scheme or :path";
    if (authority === "") return "CONNECT without :authority";
  } else {
    if (scheme === "") return "a request without :scheme";
    if (path === "") return "a request without :path";
    const fault = port === undefined ? undefined : webFault(method, path, authority);
    if (fault !== undefined) return fault;
  }
  const contentLength = lengthOf(fields);
  if (contentLength === "odd") return "a content-length that is none";
  if (hasOtherHost(fields, authority, port)) return "a host that is not the one of :authority";
  return { method, scheme, authority, path, fields, contentLength };
}

/** What is wrong with a request for `http` or `https` (RFC 9113, 8.3.1), if there is something. */
function webFault(method: string, path: string, authority: string): string | undefined {
  const isAsterisk = path === "*" && method === "OPTIONS";
  if (!path.startsWith("/") && !isAsterisk) return "a :path that is none";
  if (authority.startsWith(":")) return "an :authority without a host";
  return authority.includes("@") ? "an :authority with the name of a user" : undefined;
}

/** Whether `host` names another than `:authority`, or, without one, another than before (RFC 9113, 8.3.1). */
function hasOtherHost(
  fields: readonly HeaderField[],
  authority: string,
  port: string | undefined,
): boolean {
  let host = hostOf(authority, port);
  for (const { name, value } of fields) {
    if (name !== "host") continue;
    const named = hostOf(value, port);
    host ||= named;
    if (named !== host) return true;
  }
  return false;
}

/** A host in the form in which equal ones are equal (RFC 3986, 6.2.3): in lower case, without the usual port. */
function hostOf(authority: string, port: string | undefined): string {
  const host = authority.toLowerCase();
  return port !== undefined && host.endsWith(port) ? host.slice(0, -port.length) : host;
}

/** A sentence on what is wrong with a field that is no pseudo-header, if there is something. */
export function fieldFault({ name, value }: HeaderField): string | undefined {
  if (!isFieldName(name)) return "a field name that none can be";
  if (!isFieldValue(value)) return `a value of ${name} that none can be`;
  if (CONNECTION_FIELDS.has(name)) return `${name}, which HTTP/2 does not have`;
  if (name === "te" && value.toLowerCase() !== "trailers") {
    return "te with something else than trailers";
  }
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
