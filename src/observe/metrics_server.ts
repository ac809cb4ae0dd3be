// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { MetricsSource } from "./metrics_source.ts";

/** Bytes of request headers; a scraper sends a few hundred. */
const MAX_HEADER_BYTES = 8_192;
/** Open connections; Prometheus needs one for each replica of it. */
const MAX_CONNECTIONS = 32;

const logger = getLogger(["tsoracle", "observe"]);

/** Options of {@linkcode serveMetrics}. */
export interface MetricsServerOptions {
  /**
   * Address to bind. The endpoint has no authentication, so keep it off public networks.
   *
   * @default {"127.0.0.1"}
   */
  readonly hostname?: string;
  /**
   * Port to bind, 0 to 65535; 0 takes a free one (behaviour.md 7.2).
   *
   * @default {9_551}
   */
  readonly port?: number;
  /**
   * A connection on which nothing moves for this many milliseconds is ended, at least 1.
   *
   * @default {10_000}
   */
  readonly idleTimeoutMs?: number;
}

/** The metrics endpoint could not be opened. */
export class MetricsListenError extends Error {
  /** `address-in-use`, or `listen-failed` for every other reason. */
  readonly code: "address-in-use" | "listen-failed";

  /** Makes the error from what the operating system said. */
  constructor(hostname: string, port: number, cause: Error) {
    const inUse = "code" in cause && cause.code === "EADDRINUSE";
    const why = inUse ? "the address is in use" : cause.message;
    super(`Cannot serve metrics on ${hostname}:${port}: ${why}`, { cause });
    this.name = "MetricsListenError";
    this.code = inUse ? "address-in-use" : "listen-failed";
  }
}

/** A bound metrics endpoint. */
export interface MetricsServer extends AsyncDisposable {
  /** The address that is bound. */
  readonly hostname: string;
  /** The port that is bound. */
  readonly port: number;
  /** Ends the endpoint and every connection to it. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens a small HTTP endpoint that answers `GET /metrics` and nothing else.
 *
 * @example
 * ```ts
 * import { serveMetrics } from "@tsoracle/tsoracle/observe";
 *
 * const source = { contentType: "text/plain", render: () => Promise.resolve("up 1\n") };
 * await using server = await serveMetrics(source, { port: 0 });
 * ```
 *
 * @param source the page to show
 * @throws {MetricsListenError} if the address is in use, or cannot be bound
 * @throws {RangeError} if an option is out of range
 */
export async function serveMetrics(
  source: MetricsSource,
  options: MetricsServerOptions = {},
): Promise<MetricsServer> {
  const { hostname = "127.0.0.1", port = 9_551, idleTimeoutMs = 10_000 } = options;
  checkPort(port);
  checkIdleTimeout(idleTimeoutMs);
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES },
    (request, response) => void answer(source, request, response),
  );
  server.maxConnections = MAX_CONNECTIONS;
  // Deno's node:http ignores requestTimeout, so a half-sent request is ended by its socket.
  server.on("connection", (socket) => socket.setTimeout(idleTimeoutMs, () => socket.destroy()));
  await bind(server, hostname, port);
  const bound = server.address() as AddressInfo;
  const close = () => closeServer(server);
  return { hostname: bound.address, port: bound.port, close, [Symbol.asyncDispose]: close };
}

function checkPort(value: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= 65_535) return;
  throw new RangeError(
    `Cannot serve metrics as 'port' must be a whole number from 0 to 65535: current value is ${value}`,
  );
}

function checkIdleTimeout(value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new RangeError(
    `Cannot serve metrics as 'idleTimeoutMs' must be a whole number, at least 1: current value is ${value}`,
  );
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function bind(server: Server, hostname: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: Error) => reject(new MetricsListenError(hostname, port, cause));
    server.once("error", refuse);
    server.listen({ host: hostname, port }, () => {
      server.off("error", refuse);
      // For instance no file descriptor for one more connection: no reason to end the oracle.
      server.on("error", (error) => logger.error("the metrics endpoint cannot accept", { error }));
      resolve();
    });
  });
}

async function answer(
  source: MetricsSource,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.url?.split("?")[0] !== "/metrics") {
    return reply(response, 404, "Not found: the metrics are at /metrics\n");
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    return reply(response, 405, "Method not allowed: use GET\n");
  }
  try {
    const page = await source.render();
    response.setHeader("content-type", source.contentType);
    reply(response, 200, page);
  } catch (error) {
    logger.error("the metrics cannot be shown", { error });
    reply(response, 500, "The metrics cannot be shown; the log says why\n");
  }
}

function reply(response: ServerResponse, status: number, body: string): void {
  if (!response.hasHeader("content-type")) {
    response.setHeader("content-type", "text/plain; charset=utf-8");
  }
  response.setHeader("content-length", new TextEncoder().encode(body).byteLength);
  if (status !== 200) response.setHeader("connection", "close");
  response.writeHead(status).end(body);
}
