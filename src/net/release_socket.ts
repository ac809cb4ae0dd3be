// SPDX-License-Identifier: Apache-2.0

import type { Socket } from "node:net";

/** The part of a socket that no interface shows. */
interface SocketInside {
  readonly _handle?: { readonly readStop?: () => unknown } | null;
}

/**
 * Lets a socket be collected once it is closed. Deno 2.8 keeps every accepted socket for ever, with all that
 * hangs on it, if its handle was still reading when it was closed; Deno 2.9 and Node do not. The session of
 * an HTTP/2 connection is kept too, about 30 KB of it; that is out of reach from here.
 */
export function releaseOnClose(socket: Socket): void {
  if (!("Deno" in globalThis)) return;
  const { _handle: handle } = socket as SocketInside;
  if (typeof handle?.readStop !== "function") return;
  socket.once("close", () => void handle.readStop?.());
}
