// SPDX-License-Identifier: Apache-2.0

import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";

/** A request without a socket. */
export function requestOf(
  method: string,
  path: string,
  headers: Record<string, string> = {},
): UniversalServerRequest {
  return {
    httpVersion: "1.1",
    method,
    url: `http://oracle.test${path}`,
    header: new Headers(headers),
    body: (async function* () {})(),
    signal: new AbortController().signal,
  };
}

/** The body of an answer as text. */
export async function textOf(answer: UniversalServerResponse | undefined): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of answer?.body ?? []) text += decoder.decode(chunk, { stream: true });
  return text;
}
