// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError } from "@connectrpc/connect";
import type { StreamFailure } from "../http2/client_stream.ts";
import { ERROR_CODE } from "../http2/error_code.ts";

/** Names of error codes, as RFC 9113 writes them. */
const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(ERROR_CODE).map(([name, code]) => [
    code,
    name.replace(/[A-Z]|(?<=[a-z])(?=\d)|(?<=1)(?=1)/g, "_$&").toUpperCase(),
  ]),
);

/** What a code of RST_STREAM means for a call of gRPC (gRPC over HTTP/2, "Errors"). All others are INTERNAL. */
const FOR_RESET: ReadonlyMap<number, Code> = new Map([
  [ERROR_CODE.refusedStream, Code.Unavailable],
  [ERROR_CODE.cancel, Code.Canceled],
  [ERROR_CODE.enhanceYourCalm, Code.ResourceExhausted],
  [ERROR_CODE.inadequateSecurity, Code.PermissionDenied],
  [ERROR_CODE.http11Required, Code.PermissionDenied],
]);

/** Errors of the system that say that there is no server. */
const UNREACHABLE: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
]);

/** What the operating system, TLS or the peer said, as an error of a call. */
export function errorOfConnection(reason: unknown): ConnectError {
  const error = ConnectError.from(reason, codeOfSystem(reason));
  if (error !== reason) error.cause = reason;
  return error;
}

/** A request without a whole answer, as an error of a call. The reason is why the connection ended, if it did. */
export function errorOfStream(failure: StreamFailure, reason: Error | undefined): ConnectError {
  const { kind, code, text } = failure;
  if (kind === "lost") return errorOfConnection(reason ?? new Error("the connection was lost"));
  // In these words a refusal is known by which nothing was done with the request.
  const closed = `http/2 stream closed with error code ${nameOf(code)} (0x${code.toString(16)})`;
  const words = kind === "broken" ? `${closed}: ${text}` : closed;
  return new ConnectError(words, FOR_RESET.get(code) ?? Code.Internal);
}

/** The error of a call on a connection that takes none, with the reason for that. */
export function refused(cause: Error | undefined): ConnectError {
  const { refusedStream: code } = ERROR_CODE;
  const error = errorOfStream({ kind: "unprocessed", code, text: "" }, undefined);
  error.cause = cause;
  return error;
}

/** The error of a call that has no answer in time. */
export function lateError(): ConnectError {
  return new ConnectError("the operation timed out", Code.DeadlineExceeded);
}

function nameOf(code: number): string {
  return NAMES.get(code) ?? "unknown";
}

function codeOfSystem(reason: unknown): Code {
  const code = reason instanceof Error && "code" in reason ? String(reason.code) : "";
  if (code === "ECONNRESET") return Code.Aborted;
  return UNREACHABLE.has(code) ? Code.Unavailable : Code.Internal;
}
