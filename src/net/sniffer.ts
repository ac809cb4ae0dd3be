// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { METHODS } from "node:http";
import type { Socket } from "node:net";

/** What every HTTP/2 client sends first (RFC 9113, 3.4). */
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** Empty lines before a request do no harm (RFC 9112, 2.2). */
const KNOWN_METHOD = new RegExp(`^[\r\n]*(?:${METHODS.join("|")}) `);
const FIRST_LINE = /^[\r\n]*([^\r\n][^\n]*)(\n?)/;
const REQUEST_LINE = /^\S+ .*HTTP\/1\.\d\s*$/;
const NOT_IN_A_LINE = /(?![\t\r])\p{Cc}/u;

/** How long the first line of a request may be whose method nobody knows, in bytes. */
const MAX_LINE_BYTES = 1_024;

/** The protocols of the port. */
export type Protocol = "http1" | "http2";

/**
 * Finds the protocol of a cleartext connection from its first bytes, which stay in the socket for the one
 * who speaks it. What is no request of HTTP/1 either goes to HTTP/2, where it is an invalid preface. The caller sets the
 * deadline.
 *
 * @param found called once, unless the socket closes before
 */
export function sniffProtocol(socket: Socket, found: (protocol: Protocol) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const look = () => {
    const chunks = readAll(socket);
    if (chunks.length === 0) return;
    seen = Buffer.concat([seen, ...chunks]);
    const protocol = protocolOf(seen);
    if (protocol === undefined) return;
    socket.off("readable", look);
    socket.unshift(seen);
    found(protocol);
  };
  socket.on("readable", look);
}

/** Deno 2.9 returns a chunk for each call, and 2.8 all that there is. */
function readAll(socket: Socket): readonly Buffer[] {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return chunks;
    chunks.push(chunk);
  }
}

/**
 * The protocol of a connection that begins with these bytes, of which the first 1,024 count.
 *
 * @returns undefined if only what follows can tell
 */
export function protocolOf(bytes: Buffer): Protocol | undefined {
  const start = bytes.toString("latin1", 0, MAX_LINE_BYTES);
  if (start.startsWith(PREFACE)) return "http2";
  if (PREFACE.startsWith(start)) return undefined;
  if (KNOWN_METHOD.test(start)) return "http1";
  const [, line = "", end] = FIRST_LINE.exec(start) ?? [];
  if (NOT_IN_A_LINE.test(line)) return "http2";
  if (end === "\n") return REQUEST_LINE.test(line) ? "http1" : "http2";
  return start.length === MAX_LINE_BYTES ? "http2" : undefined;
}
