// SPDX-License-Identifier: Apache-2.0

import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { Readiness } from "../rpc/readiness.ts";
import { textAnswer } from "../rpc/refusal.ts";

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
