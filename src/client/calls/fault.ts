// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError } from "@connectrpc/connect";
import { LEADER_HINT_KEY } from "../leader/hint.ts";

/**
 * How an attempt ended without an answer:
 * - `not-sent`: no connection, or the server refused the stream unread: it has certainly done nothing;
 * - `transport`: the connection failed, or something that is not the oracle answered;
 * - `deadline`: no answer came within the time of the attempt;
 * - `status`: the server answered with a status.
 */
export type FaultKind = "not-sent" | "transport" | "deadline" | "status";

/** An attempt without an answer. */
export interface Fault {
  /** What is known about it. */
  readonly kind: FaultKind;
  /**
   * Whether `not-sent` is certain. It is not if the transport may have sent the request before, and could not
   * connect when it sent it again.
   */
  readonly isCertain: boolean;
  /** The status, or what the transport made of it. */
  readonly code: Code;
  /** In the words of the server or of the transport. */
  readonly text: string;
  /** The metadata of a status; empty otherwise. */
  readonly metadata: Headers;
  /** What was thrown. */
  readonly cause: unknown;
}

/** An attempt took longer than it may. */
export class AttemptTimeoutError extends Error {
  /** Makes the error; the time is in milliseconds. */
  constructor(timeoutMs: number) {
    super(`no answer within ${Math.ceil(timeoutMs)} ms`);
    this.name = "AttemptTimeoutError";
  }
}

/** Codes that a transport never makes up on its own: with one of these, a server spoke. */
const ONLY_FROM_SERVERS: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.AlreadyExists,
  Code.FailedPrecondition,
  Code.OutOfRange,
]);

/** Errors of the system that can only happen before there is a connection. */
const BEFORE_CONNECTION: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EAI_NODATA",
  "EAI_NONAME",
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** System calls that make a connection. */
const CONNECTING: ReadonlySet<string> = new Set(["connect", "getaddrinfo"]);

/** Words of `fetch` of Deno, which has no code. */
const UNSENT_WORDS = /client error \(Connect\)/;

/** Words of Connect for a stream that was refused unread (RFC 9113, section 8.7), where it has no code. */
const REFUSED = "http/2 stream closed with error code REFUSED_STREAM (0x7)";

/** Words of Node for the same, with the code of a stream's error. A session that ended is another matter. */
const REFUSED_BY_NODE = /REFUSED_STREAM/;

/** The code of errors that end a whole session: what was sent on it may have been read. */
const SESSION_ERROR = "ERR_HTTP2_SESSION_ERROR";

/** The longest chain of causes that is looked at. */
const MAX_CAUSES = 8;

/** What is known of the transport. */
export interface FaultOptions {
  /** Whether it sends a request at most once. */
  readonly sendsOnce: boolean;
}

/** Makes out what became of an attempt from what it threw. */
export function faultOf(thrown: unknown, { sendsOnce }: FaultOptions): Fault {
  const error = ConnectError.from(thrown);
  const { code, rawMessage: text } = error;
  const about = { code, text, cause: thrown, isCertain: sendsOnce, metadata: new Headers() };
  if (thrown instanceof AttemptTimeoutError) {
    return { ...about, kind: "deadline", code: Code.DeadlineExceeded };
  }
  if (isStatus(error)) return { ...about, kind: "status", metadata: error.metadata };
  return { ...about, kind: kindOfTransportFault(error) };
}

/** A channel that could not even be opened. */
export function unopenedFault(thrown: unknown): Fault {
  return { ...faultOf(thrown, { sendsOnce: true }), kind: "not-sent" };
}

function isStatus(error: ConnectError): boolean {
  const { metadata, code, cause } = error;
  if (metadata.has("grpc-status") || metadata.has(LEADER_HINT_KEY)) return true;
  // Connect's own protocol has no header for a status, but its reader marks what came over the wire.
  if ("isWireError" in error && error.isWireError === true) return true;
  return cause === undefined && ONLY_FROM_SERVERS.has(code);
}

function kindOfTransportFault(error: ConnectError): FaultKind {
  const causes = causesOf(error);
  const isSessionLost = causes.some((cause) => "code" in cause && cause.code === SESSION_ERROR);
  if (!isSessionLost && causes.some(isBeforeSending)) return "not-sent";
  return error.code === Code.DeadlineExceeded ? "deadline" : "transport";
}

function causesOf(error: Error): readonly Error[] {
  const chain: Error[] = [error];
  for (let cause = error.cause; cause instanceof Error && chain.length < MAX_CAUSES;) {
    chain.push(cause);
    cause = cause.cause;
  }
  return chain;
}

function isBeforeSending(error: Error): boolean {
  if (isRefusedUnread(error)) return true;
  if (UNSENT_WORDS.test(error.message)) return true;
  if ("syscall" in error && CONNECTING.has(String(error.syscall))) return true;
  return "code" in error && BEFORE_CONNECTION.has(String(error.code));
}

function isRefusedUnread(error: Error): boolean {
  if (error instanceof ConnectError) return error.rawMessage === REFUSED;
  if (!("code" in error) || error.code !== "ERR_HTTP2_STREAM_ERROR") return false;
  return REFUSED_BY_NODE.test(error.message);
}
