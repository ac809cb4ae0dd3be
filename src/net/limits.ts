// SPDX-License-Identifier: Apache-2.0

import { LONGEST_TIMER_MS } from "../core/timer_limit.ts";

/**
 * What one client may cost. Each limit holds on Deno and on Node, whichever of them enforces it by itself.
 *
 * Not listed, because nobody has to set it: an HTTP/2 connection whose streams are reset again and again, or that floods
 * PING or SETTINGS frames, is ended with GOAWAY after about a thousand of them, by either edge.
 */
export interface Limits {
  /**
   * Largest request in bytes, after decompression. The largest is a batch of sequences: 18 KB with 128 keys of
   * 128 bytes, in JSON 20 KB and more if it has to escape them. Raise it with the batch limit.
   *
   * @default {65536}
   */
  readonly messageBytes: number;
  /**
   * Largest head of a request in bytes: request line and headers, or the HTTP/2 header list. Real clients
   * need less than one KiB, browsers with cookies more.
   *
   * @default {16384}
   */
  readonly headerBytes: number;
  /**
   * Open HTTP/2 streams per connection. Clients are told and queue what is more; a stream too many is refused
   * to a client that could not know yet, and costs another its connection. Abandoned streams cost memory and
   * time until they are found, so a connection that is killed must not leave thousands.
   *
   * @default {256}
   */
  readonly streamsPerConnection: number;
  /**
   * Open connections. One more is closed as soon as it is accepted. A connection costs up to about 100 KiB
   * while it idles, and a file descriptor. Keep it some dozens below the hard limit of open files of the
   * process: Deno 2.8 never accepts again once it has run out of them.
   *
   * @default {1000}
   */
  readonly connections: number;
  /**
   * Health watches, over all connections. A watch has no end of its own, so it keeps its connection from the
   * limits of time; one more is answered with RESOURCE_EXHAUSTED.
   *
   * @default a quarter of `connections`, at least 1
   */
  readonly watches: number;
  /**
   * From accept to a known protocol, TLS included, in milliseconds. A client that says nothing is cut off.
   *
   * @default {10000}
   */
  readonly handshakeTimeoutMs: number;
  /**
   * For the head of the first request on HTTP/1.1, for the body of each request, and for a client to take
   * its answer, in milliseconds. Half-sent requests and unread answers hold memory.
   *
   * @default {30000}
   */
  readonly requestTimeoutMs: number;
  /**
   * Without any open request, in milliseconds; then the connection is closed, with GOAWAY on HTTP/2. Above
   * the keep-alive of common proxies, which is a minute, so that they are the ones to close. An HTTP/2 client
   * that has requests open for as long is asked for a sign of life, by PING, and has `requestTimeoutMs` for it.
   *
   * @default {300000}
   */
  readonly idleTimeoutMs: number;
}

/** The limits that hold where nothing else is said; that of watches follows from the connections. */
export const DEFAULT_LIMITS: Omit<Limits, "watches"> = {
  messageBytes: 65_536,
  headerBytes: 16_384,
  streamsPerConnection: 256,
  connections: 1_000,
  handshakeTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 300_000,
};

/**
 * Joins limits with the defaults. One upper bound does for all: a longer time fires at once, and a larger
 * count or size is no limit.
 *
 * @throws {RangeError} if a limit is not a whole number from 1 to 2^31 - 1
 */
export function resolveLimits(limits: Partial<Limits> = {}): Limits {
  const { connections = DEFAULT_LIMITS.connections } = limits;
  const watches = Math.max(1, Math.floor(connections / 4));
  const resolved = { ...DEFAULT_LIMITS, watches, ...limits };
  for (const [name, value] of Object.entries(resolved)) {
    if (Number.isInteger(value) && value >= 1 && value <= LONGEST_TIMER_MS) continue;
    throw new RangeError(
      `Cannot serve as '${name}' must be a whole number from 1 to ${LONGEST_TIMER_MS}: current value is ${value}`,
    );
  }
  return resolved;
}
