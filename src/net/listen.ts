// SPDX-License-Identifier: Apache-2.0

import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { getLogger } from "@logtape/logtape";
import { deferred } from "../core/deferred.ts";
import { formatAddress, stripBrackets } from "./address.ts";
import type { ServeErrorCode } from "./errors.ts";
import { ServeError } from "./errors.ts";

const logger = getLogger(["tsoracle", "net"]);

/** What the system says, and what that means. */
const REASONS: Readonly<Record<string, readonly [ServeErrorCode, string]>> = {
  EADDRINUSE: [
    "address-in-use",
    "another process listens there; choose another port, or 0 for any",
  ],
  EADDRNOTAVAIL: ["address-unavailable", "this machine has no such address"],
  EINVAL: ["address-unavailable", "this machine has no such address"],
  ENOTFOUND: ["address-unavailable", "no such host name is known"],
  EACCES: [
    "address-forbidden",
    "this process may not listen there; ports below 1024 need a privilege",
  ],
  EPERM: ["address-forbidden", "this process may not listen there"],
};

/**
 * How long a connection is silent before the system asks whether the other machine is still there, in
 * milliseconds. It gives up by rules of its own, on Linux some eleven minutes later.
 */
const KEEP_ALIVE_MS = 60_000;

/**
 * How many connections the system may have accepted for us that we have not taken yet. The runtimes ask for 511, which a
 * thousand clients that come back at once overflow; theirs are then tried again by TCP a second or more later.
 * Linux cuts it to net.core.somaxconn, which is 4096 since 5.4.
 */
const BACKLOG = 4_096;

/** Where to listen, and who takes the sockets. */
export interface ListenOptions {
  /** Host name or address. */
  readonly hostname: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Called with each accepted socket. */
  readonly onSocket: (socket: Socket) => void;
}

/** A bound listener. */
export interface BoundListener {
  /** The listener; its `close` stops accepting. */
  readonly listener: Server;
  /** The bound port. */
  readonly port: number;
}

/**
 * Binds a listener.
 *
 * @throws {ServeError} with the reason of the system; then nothing is bound
 */
export async function listen(options: ListenOptions): Promise<BoundListener> {
  const { hostname, port, onSocket } = options;
  const listener = createServer({ noDelay: true }, (socket) => {
    // As an option of the listener Deno 2.8 ignores it.
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    onSocket(socket);
  });
  const bound = deferred<void>();
  listener.once("error", bound.reject);
  listener.once("listening", bound.resolve);
  try {
    listener.listen({ host: stripBrackets(hostname), port, backlog: BACKLOG });
    await bound.promise;
  } catch (error) {
    throw refusal(formatAddress(hostname, port), error);
  }
  listener.off("error", bound.reject);
  listener.on("error", (error) => logger.error("the listener cannot accept: {error}", { error }));
  return { listener, port: (listener.address() as AddressInfo).port };
}

function refusal(address: string, cause: unknown): ServeError {
  const system = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const message = cause instanceof Error ? cause.message : String(cause);
  const [code, reason] = REASONS[system] ?? ["listen-failed", message];
  return new ServeError(code, `Cannot listen on ${address}: ${reason}`, { cause });
}
