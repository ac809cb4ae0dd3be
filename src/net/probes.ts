// SPDX-License-Identifier: Apache-2.0

import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { formatEndpoint } from "../core/endpoint.ts";
import { textAnswer } from "../rpc/refusal.ts";
import type { ServableOracle } from "./servable.ts";

/** What `/readyz` says. */
export interface Readiness {
  /** Whether to send requests here. */
  readonly ready: boolean;
  /** Why, in one line. */
  readonly text: string;
}

/**
 * Whether this node is of use to a client: it serves, or it knows who does and sends the client there. A
 * node without a leader is of no use, and one that shuts down wants no new client.
 */
export function readinessOf(oracle: ServableOracle, isClosing: boolean): Readiness {
  if (isClosing) return { ready: false, text: "not ready: the server is shutting down" };
  const { isServing, state } = oracle;
  if (isServing) return { ready: true, text: "ok: serving" };
  if (state.kind === "serving") {
    return { ready: false, text: "not ready: this node is not certain to lead any more" };
  }
  const leader = state.leaderEndpoint;
  return leader === undefined
    ? { ready: false, text: "not ready: this node does not serve and knows no leader" }
    : { ready: true, text: `ok: the leader is ${formatEndpoint(leader)}` };
}

/**
 * Answers `/healthz`, which is 200 while the process answers at all, and `/readyz`, which is 200 or 503 with
 * the reason in the text.
 *
 * @returns nothing for any other path
 */
export function answerProbe(
  request: UniversalServerRequest,
  readiness: () => Readiness,
): UniversalServerResponse | undefined {
  const path = new URL(request.url).pathname;
  if (path !== "/healthz" && path !== "/readyz") return undefined;
  if (request.method !== "GET" && request.method !== "HEAD") {
    const text = `Cannot ${request.method} ${path}: use GET, HEAD`;
    return textAnswer(405, text, { allow: "GET, HEAD" });
  }
  if (path === "/healthz") return textAnswer(200, "ok");
  const { ready, text } = readiness();
  return textAnswer(ready ? 200 : 503, text);
}
