// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";

/** What every HTTP/2 client sends first (RFC 9113, 3.4). */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** The protocols of the port. */
export type Protocol = "http1" | "http2";

/**
 * Finds the protocol of a cleartext connection from its first bytes, which stay in the socket for the one
 * who speaks it. At most the 24 bytes of the preface are waited for; what differs from it is HTTP/1.1, whose
 * parser will say what is wrong with it. The caller sets the deadline.
 *
 * @param found called once, unless the socket closes before
 */
export function sniffProtocol(socket: Socket, found: (protocol: Protocol) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const look = () => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const compared = Math.min(seen.length, PREFACE.length);
    const isPreface = seen.compare(PREFACE, 0, compared, 0, compared) === 0;
    if (isPreface && seen.length < PREFACE.length) return;
    socket.off("readable", look);
    socket.unshift(seen);
    found(isPreface ? "http2" : "http1");
  };
  socket.on("readable", look);
}
