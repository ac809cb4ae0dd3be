// SPDX-License-Identifier: Apache-2.0

import { setMaxListeners } from "node:events";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { createDispatcher } from "../rpc/dispatcher.ts";
import { LONGEST_TIMER_MS } from "../core/timer_limit.ts";
import { formatAddress, isLoopback } from "./address.ts";
import { CorsPolicy } from "./cors.ts";
import { DEFAULT_EDGE } from "./edge.ts";
import type { EdgeName } from "./edge.ts";
import { ServeError } from "./errors.ts";
import { instantSourceOf } from "./fast_lane/instant_source.ts";
import { createFront } from "./front.ts";
import type { Limits } from "./limits.ts";
import { resolveLimits } from "./limits.ts";
import { listen } from "./listen.ts";
import type { ServableOracle } from "./servable.ts";
import { ListeningServer } from "./server.ts";
import type { OracleServer } from "./server.ts";
import { Switchboard } from "./switchboard.ts";
import type { TlsOptions } from "./tls.ts";
import { checkTls } from "./tls.ts";

/** Port of the service by default, as of the original (behaviour.md 1). */
export const DEFAULT_PORT = 50_551;

/** Options of {@linkcode serve}. */
export interface ServeOptions {
  /**
   * Host name or address to listen on.
   *
   * @default {"127.0.0.1"}
   */
  readonly hostname?: string;
  /**
   * TCP port, 0 to 65535; 0 lets the system choose.
   *
   * @default {50551}
   */
  readonly port?: number;
  /** Serves TLS with this certificate. Absent: plaintext. */
  readonly tls?: TlsOptions | undefined;
  /**
   * Allows plaintext on an address that other machines can reach.
   *
   * @default {false}
   */
  readonly allowInsecure?: boolean;
  /**
   * Origins such as `https://app.example` whose pages may call from a browser; `*` allows all.
   *
   * @default {[]}
   */
  readonly corsOrigins?: readonly string[];
  /** What a client may cost; what is left out keeps its default. */
  readonly limits?: Partial<Limits>;
  /**
   * Who speaks HTTP/2: `http2` is the implementation of this package, `connect` the runtime's `node:http2`.
   *
   * @default {"http2"}
   */
  readonly edge?: EdgeName;
  /**
   * How long calls under way may take after `close()`, in milliseconds.
   *
   * @default {10000}
   */
  readonly shutdownGraceMs?: number;
  /**
   * How long to go on accepting after `/readyz` says no, in milliseconds, so that a balancer notices before
   * connections are refused. Set it to a little more than the balancer's probe interval.
   *
   * @default {0}
   */
  readonly lameDuckMs?: number;
}

/**
 * Serves an oracle on one port: gRPC, gRPC-Web and Connect (binary, JSON, GET) over HTTP/1.1 and HTTP/2,
 * plain or TLS, with `/healthz` and `/readyz`. The caller closes the server, and after it the oracle.
 *
 * If the oracle fails, the server closes by itself and says so in `finished`.
 *
 * @example
 * ```ts
 * import { MemoryDriver, Oracle, serve } from "@tsoracle/tsoracle";
 * import assert from "node:assert/strict";
 *
 * await using oracle = new Oracle({ driver: new MemoryDriver() });
 * await using server = await serve(oracle, { port: 0 });
 * const answer = await fetch(`http://${server.address}/healthz`);
 * assert.equal(await answer.text(), "ok\n");
 * ```
 *
 * @throws {RangeError} if an option is out of its range
 * @throws {ServeError} if the address or the certificate cannot be used; then nothing is left open
 */
export async function serve(
  oracle: ServableOracle,
  options: ServeOptions = {},
): Promise<OracleServer> {
  const { hostname = "127.0.0.1", port = DEFAULT_PORT, tls, allowInsecure = false } = options;
  const { shutdownGraceMs: graceMs = 10_000, lameDuckMs = 0, corsOrigins = [] } = options;
  const { edge = DEFAULT_EDGE } = options;
  checkRange("port", port, 65_535);
  checkRange("shutdownGraceMs", graceMs, LONGEST_TIMER_MS);
  checkRange("lameDuckMs", lameDuckMs, LONGEST_TIMER_MS);
  if (tls !== undefined) checkTls(tls);
  else if (!allowInsecure && !isLoopback(hostname)) throw insecure(hostname, port);
  const limits = resolveLimits(options.limits);
  const cors = new CorsPolicy(corsOrigins);

  const closing = new AbortController();
  const drain = new AbortController();
  const shutdown = new AbortController();
  // Calls under way listen to them; Node would warn of a leak from the eleventh on.
  setMaxListeners(0, drain.signal, shutdown.signal);
  const dispatch = createDispatcher(oracle, {
    grpc: true,
    maxMessageBytes: limits.messageBytes,
    maxWatches: limits.watches,
    acceptCompression: [compressionGzip, compressionBrotli],
    closingSignal: closing.signal,
    drainSignal: drain.signal,
    shutdownSignal: shutdown.signal,
  });
  const front = createFront({ oracle, dispatch, cors, isClosing: () => closing.signal.aborted });
  // A page that may call is told so with each answer, and that is not for the fast lane to know.
  const instant = corsOrigins.length === 0 ? instantSourceOf(oracle) : undefined;
  const switchboard = new Switchboard({ front, limits, tls, edge, instant });
  const bound = await listen({ hostname, port, onSocket: (socket) => switchboard.accept(socket) });
  const server = new ListeningServer({
    ...bound,
    hostname,
    switchboard,
    shutdown,
    onClosing: () => closing.abort(),
    onDraining: () => drain.abort(),
    graceMs,
    lameDuckMs,
  });
  void oracle.finished.then((end) => {
    if (end.kind === "failed") server.closeAfterFailure(end.error);
  });
  return server;
}

function checkRange(name: keyof ServeOptions, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return;
  throw new RangeError(
    `Cannot serve as '${name}' must be a whole number from 0 to ${max}: current value is ${value}`,
  );
}

function insecure(hostname: string, port: number): ServeError {
  return new ServeError(
    "insecure-address",
    `Cannot serve plaintext on ${formatAddress(hostname, port)}: others can reach it; give a ` +
      "certificate, listen on 127.0.0.1, or allow insecure serving if the network is trusted",
  );
}
