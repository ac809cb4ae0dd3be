// SPDX-License-Identifier: Apache-2.0

import { Code } from "@connectrpc/connect";
import type { EndpointAddress } from "../leader/endpoint_address.ts";
import { TsoClientError } from "../errors.ts";
import type { ClientErrorCode } from "../errors.ts";
import type { Fault } from "./fault.ts";

/** What a status of the server becomes. All others are for good. */
const FOR_STATUS: Readonly<Partial<Record<Code, ClientErrorCode>>> = {
  [Code.InvalidArgument]: "invalid-argument",
  [Code.Unavailable]: "unreachable",
  [Code.DeadlineExceeded]: "deadline-exceeded",
};

const FOR_KIND = {
  "not-sent": "unreachable",
  "transport": "unreachable",
  "deadline": "deadline-exceeded",
} as const satisfies Record<Exclude<Fault["kind"], "status">, ClientErrorCode>;

/** An attempt: what was wanted from whom. */
export interface Attempted {
  /** What the caller wants, for the middle of a sentence, such as `get timestamps`. */
  readonly what: string;
  /** Who was asked. */
  readonly address: EndpointAddress;
}

/** The name of a status as gRPC writes it, such as `FAILED_PRECONDITION`. */
export function statusName(code: Code): string {
  if (code === Code.Canceled) return "CANCELLED";
  return (Code[code] ?? "Unknown").replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}

/** Says what an endpoint answered, or why it did not. */
export function describeFault(fault: Fault, address: EndpointAddress): string {
  const { kind, code, text } = fault;
  const { name } = address;
  if (kind === "status") return `${name} answered ${statusName(code)}: ${text}`;
  if (kind === "deadline") return `${name} did not answer in time: ${text}`;
  const how = kind === "not-sent" ? "cannot be reached" : "was lost under way";
  return `${name} ${how}: ${text}; check the address, the network and TLS`;
}

/** The error of a call that this fault ends. */
export function errorOfFault(fault: Fault, { what, address }: Attempted): TsoClientError {
  const { kind, code: statusCode, cause } = fault;
  const code = kind === "status" ? FOR_STATUS[statusCode] ?? "refused" : FOR_KIND[kind];
  return new TsoClientError(code, `Cannot ${what}: ${describeFault(fault, address)}`, {
    cause,
    endpoint: address.name,
    status: kind === "status" ? statusName(statusCode) : undefined,
  });
}
