// SPDX-License-Identifier: Apache-2.0

import type { Socket } from "node:net";
import type { Connection, Http2Session } from "./connection.ts";
import type { Limits } from "./limits.ts";
import type { Message } from "./message.ts";

/**
 * Who speaks HTTP/2:
 * - `http2`: the implementation of this package;
 * - `connect`: `node:http2` of the runtime, which is the way back (docs/adr/0001-own-http2-edge.md).
 *
 * HTTP/1.1 is spoken by `node:http` in any case, and what an answer is does not depend on it.
 */
export type EdgeName = "http2" | "connect";

/** All edges. */
export const EDGE_NAMES: readonly EdgeName[] = ["http2", "connect"];

/** The edge that is used where none is named. */
export const DEFAULT_EDGE: EdgeName = "http2";

/** Takes each message as soon as its head is here. */
export type OnMessage = (message: Message, connection: Connection) => void;

/** Speaks HTTP/2 on the sockets that it is given. */
export interface Edge {
  /** Starts on a socket. Nothing if that has failed. */
  start(socket: Socket, connection: Connection): Http2Session | undefined;

  /** Releases what is left when no connection is open. */
  close(): void;
}

/** What an edge works with. */
export interface EdgeOptions {
  /** What a client may cost. */
  readonly limits: Limits;
  /** Takes the messages. */
  readonly onMessage: OnMessage;
}
