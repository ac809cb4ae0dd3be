// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";

/** An answer of HTTP/1.1. */
export interface HttpResponse {
  readonly status: number;
  readonly body: Buffer;
  /** Bytes that the answer took. */
  readonly length: number;
}

const HEAD_END = "\r\n\r\n";

/**
 * Reads the answer at the start of what has arrived.
 *
 * @returns undefined while it is not whole
 * @throws {Error} if it is no HTTP/1.1, or tells its length in a way that servers of a kept-alive
 *   connection do not use
 */
export function readResponse(received: Buffer): HttpResponse | undefined {
  const headEnd = received.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = received.toString("latin1", 0, headEnd);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? NaN);
  if (Number.isNaN(status)) throw new Error(`no answer of HTTP/1.1: ${head.slice(0, 80)}`);
  const bodyStart = headEnd + HEAD_END.length;
  const contentLength = /\r\ncontent-length:\s*(\d+)/i.exec(head)?.[1];
  if (contentLength !== undefined) {
    const length = bodyStart + Number(contentLength);
    if (received.length < length) return undefined;
    return { status, body: received.subarray(bodyStart, length), length };
  }
  if (!/\r\ntransfer-encoding:\s*chunked/i.test(head)) {
    throw new Error(`the answer does not tell its length: ${head}`);
  }
  const chunked = readChunks(received, bodyStart);
  return chunked === undefined ? undefined : { status, ...chunked };
}

function readChunks(received: Buffer, start: number): Omit<HttpResponse, "status"> | undefined {
  const chunks: Buffer[] = [];
  let at = start;
  for (;;) {
    const lineEnd = received.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = parseInt(received.toString("latin1", at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error("the answer has a chunk without a size");
    const end = lineEnd + 2 + size + 2;
    if (received.length < end) return undefined;
    if (size === 0) return { body: Buffer.concat(chunks), length: end };
    chunks.push(received.subarray(lineEnd + 2, end - 2));
    at = end;
  }
}
