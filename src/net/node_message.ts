// SPDX-License-Identifier: Apache-2.0

import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { Answer } from "../rpc/answer.ts";
import { respellGrpcMessage } from "../rpc/grpc_message.ts";

/** A request of either protocol. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** The response to it. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** Nothing looks at the host of a request, so an odd one can do no harm. */
const ORIGIN = "http://localhost";

/**
 * Reads the head of a request.
 *
 * @param signal fires when the client has gone
 * @returns nothing if the target of the request is not a path or an absolute URL
 */
export function toUniversalRequest(
  request: NodeRequest,
  signal: AbortSignal,
): UniversalServerRequest | undefined {
  const url = toUrl(request.url ?? "");
  if (url === undefined) return undefined;
  return {
    httpVersion: request.httpVersion,
    method: request.method ?? "",
    url,
    header: toHeaders(request.headers),
    body: bodyOf(request),
    signal,
  };
}

/** Options of {@linkcode sendAnswer}. */
export interface SendOptions {
  /** Fires when the client has gone; then the promise rejects. */
  readonly signal: AbortSignal;
  /**
   * Asked just before each part is written: whether this answer is the one for the request. Another may
   * have come first while this one's body was being made.
   */
  readonly claim: () => boolean;
}

/**
 * What became of an answer: written; not written, as another one was chosen; or not written, as it does not hold any
 * more.
 */
export type SendOutcome = "sent" | "passed-over" | "stale";

/**
 * Writes an answer. The last part of the body goes out together with the end, so that a small answer is one
 * write. The parts of a stream go out as they come: the next may be hours away.
 */
export async function sendAnswer(
  response: NodeResponse,
  answer: Answer,
  options: SendOptions,
): Promise<SendOutcome> {
  const { signal, claim } = options;
  const { isStream = false } = answer;
  let held: Uint8Array | undefined;
  for await (const chunk of answer.body ?? []) {
    const due = isStream ? chunk : held;
    if (due !== undefined) {
      if (isStale(response, answer)) return "stale";
      if (!claim()) return "passed-over";
      await write(response, answer, due, signal);
    }
    if (!isStream) held = chunk;
  }
  signal.throwIfAborted();
  if (isStale(response, answer)) return "stale";
  if (!claim()) return "passed-over";
  writeHead(response, answer);
  if (answer.trailer !== undefined) {
    respellGrpcMessage(answer.trailer);
    response.addTrailers(Object.fromEntries(answer.trailer));
  }
  if (held === undefined) response.end();
  else response.end(held);
  return "sent";
}

/** Looked at as late as can be: the head leaves in the same turn, and nothing is taken back after it. */
function isStale(response: NodeResponse, { lateCheck }: Answer): boolean {
  return lateCheck !== undefined && !response.headersSent && !lateCheck.holds();
}

async function write(
  response: NodeResponse,
  answer: UniversalServerResponse,
  chunk: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  writeHead(response, answer);
  if (!(response as ServerResponse).write(chunk)) await once(response, "drain", { signal });
}

function writeHead(response: NodeResponse, answer: UniversalServerResponse): void {
  if (response.headersSent) return;
  const headers = Object.fromEntries(answer.header ?? []);
  (response as ServerResponse).writeHead(answer.status, headers);
}

/**
 * The parts of the body. Whoever stops in the middle, for instance because the message is too large, leaves
 * the stream open: destroying it would cut off the answer that says so.
 */
function bodyOf(request: NodeRequest): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) };
}

function toUrl(target: string): string | undefined {
  if (target.startsWith("/")) return ORIGIN + target;
  return /^https?:\/\//i.test(target) && URL.canParse(target) ? target : undefined;
}

function toHeaders(from: IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(from)) {
    if (value === undefined || name.startsWith(":")) continue;
    headers.set(name, typeof value === "string" ? value : value.join(", "));
  }
  return headers;
}
