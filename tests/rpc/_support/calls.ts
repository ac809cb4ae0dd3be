// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { LEADER_HINT_KEY } from "../../../src/rpc/leader_hint.ts";

/** Address of a method of the service, for handlers that have no socket. */
export function urlOf(method: string): string {
  return `http://oracle.test/tsoracle.v1.TsoService/${method}`;
}

/** A call of GetTs in JSON. */
export function getTsRequest(body: unknown, headers: Record<string, string> = {}): Request {
  return new Request(urlOf("GetTs"), {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

/** What the Connect protocol says of a refused call. */
export interface RefusedCall {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** The leader hint as hex, or `undefined` if there is none. */
  readonly hint: string | undefined;
}

/** Reads a refusal of the Connect protocol. */
export async function readRefusal(response: Response): Promise<RefusedCall> {
  const { code, message } = await response.json();
  assert.equal(typeof code, "string");
  const hint = response.headers.get(LEADER_HINT_KEY);
  return {
    status: response.status,
    code,
    message,
    hint: hint === null ? undefined : hexOfHeader(hint),
  };
}

/** The bytes of a binary header in hex. */
export function hexOfHeader(base64: string): string {
  return Array.from(atob(base64), (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0"))
    .join("");
}
