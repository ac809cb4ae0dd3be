// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError } from "@connectrpc/connect";
import {
  validateResponseWithCompression,
  validateTrailer,
} from "@connectrpc/connect/protocol-grpc";
import type { HeaderField } from "../http2/hpack/header_field.ts";
import type { ResponseHead } from "../http2/response_head.ts";

/** What a gRPC server answers with where nothing is special. */
const CONTENT_TYPES: ReadonlySet<string> = new Set(["application/grpc+proto", "application/grpc"]);

/** Fields with which a head says more than that a message follows. */
const TELLING: ReadonlySet<string> = new Set([
  "grpc-status",
  "grpc-status-details-bin",
  "grpc-encoding",
]);

/** The head and the trailers of an answer, as gRPC means them. Nothing is made of them where all is well. */
export class GrpcAnswer {
  readonly #head: ResponseHead;
  #trailers: readonly HeaderField[] = [];
  /** The status in a head, where the server had nothing but trailers to send. */
  readonly #headError: ConnectError | undefined;
  #hasStatus = false;
  #header: Headers | undefined;
  #trailer: Headers | undefined;

  /**
   * Takes the head.
   *
   * @throws {ConnectError} if it is not that of an answer of gRPC without compression
   */
  constructor(head: ResponseHead) {
    this.#head = head;
    if (isPlainHead(head)) return;
    const found = validateResponseWithCompression([], head.status, this.header);
    this.#headError = found.headerError;
    this.#hasStatus = found.foundStatus;
  }

  /** The header fields. */
  get header(): Headers {
    return this.#header ??= headersOf(this.#head.fields);
  }

  /** The trailer fields. */
  get trailer(): Headers {
    return this.#trailer ??= headersOf(this.#trailers);
  }

  /**
   * Looks at the head of an answer with many messages.
   *
   * @throws {ConnectError} the status that stands in it, if it is another than OK
   */
  begin(): void {
    if (this.#headError !== undefined) throw this.#headError;
  }

  /**
   * Takes the trailers of an answer with many messages.
   *
   * @throws {ConnectError} the status, if it is another than OK or none
   */
  end(trailers: readonly HeaderField[]): void {
    this.#trailers = trailers;
    // Somebody may have looked before they were there.
    this.#trailer = undefined;
    if (!this.#hasStatus && !isPlainTrailers(trailers)) validateTrailer(this.trailer, this.header);
  }

  /**
   * Takes the trailers, and passes the message on if there is one and the status is OK.
   *
   * @throws {ConnectError} the status, or what is wrong with the answer
   */
  finish<T>(trailers: readonly HeaderField[], message: T | undefined): T {
    this.#trailers = trailers;
    if (!isPlainTrailers(trailers)) validateTrailer(this.trailer, this.header);
    if (message === undefined) throw this.#headError ?? missingMessage(this.trailer);
    if (this.#headError === undefined) return message;
    throw new ConnectError(
      "protocol error: received output message for unary method with error status",
      Code.Unknown,
    );
  }
}

function missingMessage(trailer: Headers): ConnectError {
  return new ConnectError(
    "protocol error: missing output message for unary method",
    trailer.has("grpc-status") ? Code.Unimplemented : Code.Unknown,
  );
}

function isPlainHead({ status, fields }: ResponseHead): boolean {
  let isGrpc = false;
  for (const { name, value } of fields) {
    if (TELLING.has(name)) return false;
    if (name !== "content-type") continue;
    if (isGrpc || !CONTENT_TYPES.has(value)) return false;
    isGrpc = true;
  }
  return isGrpc && status === 200;
}

function isPlainTrailers(trailers: readonly HeaderField[]): boolean {
  let isOk = false;
  for (const { name, value } of trailers) {
    if (name === "grpc-status-details-bin") return false;
    if (name !== "grpc-status") continue;
    if (isOk || value !== "0") return false;
    isOk = true;
  }
  return isOk;
}

function headersOf(fields: readonly HeaderField[]): Headers {
  const headers = new Headers();
  for (const { name, value } of fields) {
    headers.append(name, name === "grpc-message" ? readableMessage(value) : value);
  }
  return headers;
}

/** A message whose percent-encoding is broken is taken as it is (gRPC over HTTP/2, "Responses"). */
function readableMessage(text: string): string {
  try {
    decodeURIComponent(text);
    return text;
  } catch {
    return encodeURIComponent(text);
  }
}
