// SPDX-License-Identifier: Apache-2.0

import type { ClientSettings } from "./client_flags.ts";

const NOT_FOUND = new Set(["ENOTFOUND", "EAI_AGAIN", "EAI_NONAME"]);

/** What a gRPC transport says of an answer that is one of HTTP and not of gRPC. */
const OTHER_ANSWER = /\b(?:HTTP \d{3}|unsupported content type .*)$/;

/** How a connection looks that was accepted and closed before anything was answered. */
const CLOSED =
  /\bEPIPE\b|\bECONNRESET\b|http\/2 stream closed|session closed|write after end|closed the connection/i;

/** How TLS says that there is no HTTP/2 (RFC 7301, section 3.2). */
const NO_HTTP2 = /no ?application ?protocol/i;

const MAX_CAUSES = 8;

/** Why a server could not be reached, and which flag to look at. */
export function networkReason(error: Error, settings: ClientSettings): string {
  const fault = innermost(error);
  const code = "code" in fault ? String(fault.code) : "";
  if (code === "ECONNREFUSED") {
    return "nothing listens there; start a server with 'tsoracle serve', or check --endpoint";
  }
  // Deno says itself which permission it wants.
  if (fault.name === "NotCapable") return fault.message;
  if (NOT_FOUND.has(code)) return "the host name is not known; check --endpoint";
  const what = faultText(error);
  if (OTHER_ANSWER.test(fault.message)) return `${what}; check --endpoint`;
  const perhaps = saysWhat(fault) ? "" : ", perhaps because it is not tsoracle";
  return usesTls(settings)
    ? `${what}${perhaps}; check --tls-ca, --client-cert and --endpoint, and whether the server speaks TLS`
    : `${what}${perhaps}; check --endpoint; if the server speaks TLS, use --tls or --tls-ca`;
}

/** What lies at the end of the chain of causes, in words that do not presume a gRPC server. */
export function faultText(error: Error): string {
  const fault = innermost(error);
  const [text = ""] = fault.message.split("\n");
  const [answer] = OTHER_ANSWER.exec(text) ?? [];
  if (answer !== undefined) return `what answers there is not tsoracle (${answer})`;
  if ("code" in fault && fault.code === "ERR_HTTP2_ERROR") {
    return "what answers there does not speak HTTP/2, so it is not tsoracle, or it wants TLS";
  }
  if (NO_HTTP2.test(text)) return "what answers there does not speak HTTP/2, so it is not tsoracle";
  if (CLOSED.test(text)) return "the connection was closed before an answer came";
  return text;
}

/** Whether it is known what went wrong: a system call that makes a connection, a certificate, the protocol. */
function saysWhat(fault: Error): boolean {
  const code = "code" in fault ? String(fault.code) : "";
  if (CLOSED.test(fault.message)) return false;
  return "syscall" in fault || /CERT|SIGNATURE|SSL/.test(code) || code === "ERR_HTTP2_ERROR" ||
    NO_HTTP2.test(fault.message);
}

function usesTls({ tls, tlsCa, clientCert }: ClientSettings): boolean {
  return tls || tlsCa !== undefined || clientCert !== undefined;
}

/** What the operating system or TLS said. */
function innermost(error: Error): Error {
  let fault = error;
  for (let depth = 0; depth < MAX_CAUSES && fault.cause instanceof Error; depth++) {
    fault = fault.cause;
  }
  return fault;
}
