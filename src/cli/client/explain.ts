// SPDX-License-Identifier: Apache-2.0

import { TsoClientError } from "../../client/mod.ts";
import { CommandError, UsageError } from "../errors.ts";
import type { ClientSettings } from "./client_flags.ts";
import { endpointNames } from "./open_client.ts";

const NOT_FOUND = new Set(["ENOTFOUND", "EAI_AGAIN", "EAI_NONAME"]);

/** What was tried, and with which flags. */
export interface Attempted {
  /** What follows "Cannot" in the message, such as `get a timestamp`. */
  readonly goal: string;
  /** The values of the client's flags. */
  readonly settings: ClientSettings;
}

/**
 * Turns what a client threw into an error that says what to do. What is no fault of a call stays as it is; an
 * argument that the client refused before it asked anybody is a fault of the command line.
 */
export function explainClientError(attempted: Attempted, error: unknown): unknown {
  if (!(error instanceof TsoClientError)) return error;
  const { goal, settings } = attempted;
  if (error.code === "invalid-argument" && error.endpoint === undefined) {
    return new UsageError(error.message, { cause: error });
  }
  const given = endpointNames(settings);
  const from = error.endpoint ?? given.join(", ");
  const sent = given.includes(from) || error.endpoint === undefined
    ? ""
    : ", which was named as the leader";
  return new CommandError(`Cannot ${goal} from ${from}${sent}: ${reason(error, settings)}`, {
    cause: error,
  });
}

function reason(error: TsoClientError, settings: ClientSettings): string {
  switch (error.code) {
    case "no-leader":
      return "it is not the leader, and nobody is known to lead; try again in a moment";
    case "deadline-exceeded":
      return "it did not answer in time; look at its log, or allow more with --timeout";
    case "unreachable":
      return networkReason(error, settings);
    default:
      return error.status === "UNIMPLEMENTED"
        ? `there is a server, but it does not know this call; check --endpoint (${error.message})`
        : error.message;
  }
}

function networkReason(error: TsoClientError, settings: ClientSettings): string {
  const fault = innermost(error);
  const code = "code" in fault ? String(fault.code) : "";
  if (code === "ECONNREFUSED") {
    return "nothing listens there; start a server with 'tsoracle serve', or check --endpoint";
  }
  if (NOT_FOUND.has(code)) return "the host name is not known; check --endpoint";
  const what = code === "ERR_HTTP2_ERROR"
    ? "what answers there does not speak HTTP/2, so it is not tsoracle, or it wants TLS"
    : fault.message.split("\n")[0];
  const { tls, tlsCa, clientCert } = settings;
  if (!tls && tlsCa === undefined && clientCert === undefined) {
    return `${what}; if the server speaks TLS, use --tls or --tls-ca`;
  }
  return `${what}; check --tls-ca, and whether the server speaks TLS`;
}

/** What the operating system or TLS said lies at the end of the chain of causes. */
function innermost(error: Error): Error {
  let fault = error;
  for (let depth = 0; depth < 8 && fault.cause instanceof Error; depth++) fault = fault.cause;
  return fault;
}
