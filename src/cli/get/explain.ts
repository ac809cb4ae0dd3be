// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError, decodeBinaryHeader } from "@connectrpc/connect";
import { LeaderHintSchema } from "../../gen/tsoracle/v1/tso_pb.ts";
import { LEADER_HINT_KEY } from "../../rpc/leader_hint.ts";
import { CommandError } from "../errors.ts";
import type { Target } from "./target.ts";

const NOT_FOUND = new Set(["ENOTFOUND", "EAI_AGAIN", "EAI_NONAME"]);

/** Turns what a call threw into an error that says what to do. */
export function explainCallError(target: Target, thrown: unknown): CommandError {
  const error = ConnectError.from(thrown);
  return new CommandError(`Cannot get a timestamp from ${target.name}: ${reason(target, error)}`, {
    cause: error,
  });
}

function reason(target: Target, error: ConnectError): string {
  const fault = networkFault(error);
  if (fault !== undefined) return networkReason(target, fault);
  switch (error.code) {
    case Code.FailedPrecondition:
      return `it is not the leader; ${leaderAdvice(error)}`;
    case Code.DeadlineExceeded:
      return "it did not answer in time; look at its log, or allow more with --timeout";
    case Code.Unimplemented:
      return "there is a server, but it is not tsoracle; check --endpoint";
    default:
      return `${error.rawMessage} (${Code[error.code]})`;
  }
}

function leaderAdvice(error: ConnectError): string {
  const leader = leaderEndpoint(error);
  if (leader === "") return "nobody is known to lead; try again in a moment";
  return `try --endpoint ${leader}`;
}

/** A hint that cannot be read is no worse than none. */
function leaderEndpoint(error: ConnectError): string {
  const trailer = error.metadata.get(LEADER_HINT_KEY);
  if (trailer === null) return "";
  try {
    return decodeBinaryHeader(trailer, LeaderHintSchema).leaderEndpoint ?? "";
  } catch {
    return "";
  }
}

/** What the operating system or TLS said; `undefined` if the server itself answered. */
function networkFault(error: ConnectError): Error | undefined {
  const { cause } = error;
  return cause instanceof Error && !(cause instanceof ConnectError) && "code" in cause
    ? cause
    : undefined;
}

function networkReason(target: Target, fault: Error): string {
  const code = "code" in fault ? String(fault.code) : "";
  if (code === "ECONNREFUSED") {
    return "nothing listens there; start a server with 'tsoracle serve', or check --endpoint";
  }
  if (NOT_FOUND.has(code)) return "the host name is not known; check --endpoint";
  const what = fault.message.split("\n")[0];
  if (target.tls === undefined) {
    return `${what}; if the server speaks TLS, use --tls or --tls-ca`;
  }
  return `${what}; check --tls-ca, and whether the server speaks TLS`;
}
