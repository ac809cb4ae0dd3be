// SPDX-License-Identifier: Apache-2.0

import type { Block } from "./block.ts";

/** A way to ask for timestamps. */
export type Protocol = "grpc" | "grpc-web" | "connect-json";

/** All protocols, in the order of the report. */
export const PROTOCOLS: readonly Protocol[] = ["grpc", "grpc-web", "connect-json"];

/** One connection to a server. */
export interface Connection {
  /**
   * Asks for timestamps. HTTP/2 connections take many calls at a time, HTTP/1.1 connections one.
   *
   * @throws {Error} on every answer that is not a success of the protocol, trailers included
   */
  call(): Promise<Block>;
  /** Drops the connection. Calls under way fail. */
  destroy(): void;
}

/** Where to connect and what to ask for. */
export interface ConnectionOptions {
  /** A port of 127.0.0.1. */
  readonly port: number;
  /** How many timestamps each call asks for. */
  readonly count: number;
}
