// SPDX-License-Identifier: Apache-2.0

import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import type { Answer } from "../rpc/answer.ts";
import type { Message, MessageEvents } from "./message.ts";
import { toUrl } from "./message.ts";
import { sendAnswer } from "./send_answer.ts";
import type { AnswerWriter, SendOptions, SendOutcome } from "./send_answer.ts";

/** A request of either protocol. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** The response to it. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** A message of `node:http` or `node:http2`. */
export class NodeMessage implements Message {
  readonly #request: NodeRequest;
  readonly #response: NodeResponse;
  readonly #connection: { destroy(): void };

  /** Takes a request whose head is here, and what carries it. */
  constructor(
    request: NodeRequest,
    response: NodeResponse,
    connection: { destroy(): void },
  ) {
    this.#request = request;
    this.#response = response;
    this.#connection = connection;
  }

  get contentType(): string | undefined {
    return this.#request.headers["content-type"];
  }

  get isComplete(): boolean {
    return this.#request.complete;
  }

  get isReceived(): boolean {
    return this.#request.complete || this.#request.destroyed;
  }

  get hasBegun(): boolean {
    return this.#response.headersSent;
  }

  watch(events: MessageEvents): void {
    // A socket that breaks reports it here; without a listener that would end the process.
    this.#request.on("error", ignore);
    this.#response.on("error", ignore);
    this.#request.once("end", () => events.onReceived());
    this.#request.once("close", () => events.onReceived());
    this.#response.once("close", () => events.onClosed());
  }

  read(signal: AbortSignal): UniversalServerRequest | undefined {
    const request = this.#request;
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

  send(answer: Answer, options: SendOptions): Promise<SendOutcome> {
    return sendAnswer(new NodeAnswerWriter(this.#response), answer, options);
  }

  announceClose(): void {
    if (!isHttp2(this.#request)) this.#response.setHeader("connection", "close");
  }

  /**
   * On HTTP/1.1 the next request stands behind it; on HTTP/2 it would use up the flow control that all
   * streams of the connection share.
   */
  skipBody(): void {
    if (!this.#request.complete) this.#request.resume();
  }

  cutOff(): void {
    if (isHttp2(this.#request)) this.#request.stream.destroy();
    else this.#connection.destroy();
  }
}

class NodeAnswerWriter implements AnswerWriter {
  readonly #response: NodeResponse;

  constructor(response: NodeResponse) {
    this.#response = response;
  }

  get hasBegun(): boolean {
    return this.#response.headersSent;
  }

  writeHead(answer: Answer): void {
    if (this.#response.headersSent) return;
    const headers = Object.fromEntries(answer.header ?? []);
    (this.#response as ServerResponse).writeHead(answer.status, headers);
  }

  async write(chunk: Uint8Array, signal: AbortSignal): Promise<void> {
    if ((this.#response as ServerResponse).write(chunk)) return;
    await once(this.#response, "drain", { signal });
  }

  end(last: Uint8Array | undefined, trailers: Headers | undefined): void {
    if (trailers !== undefined) this.#response.addTrailers(Object.fromEntries(trailers));
    if (last === undefined) this.#response.end();
    else this.#response.end(last);
  }
}

function isHttp2(request: NodeRequest): request is Http2ServerRequest {
  return request.httpVersionMajor === 2;
}

/**
 * The parts of the body. Whoever stops in the middle, for instance because the message is too large, leaves
 * the stream open: destroying it would cut off the answer that says so.
 */
function bodyOf(request: NodeRequest): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) };
}

function toHeaders(from: IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(from)) {
    if (value === undefined || name.startsWith(":")) continue;
    headers.set(name, typeof value === "string" ? value : value.join(", "));
  }
  return headers;
}

function ignore(): void {}
