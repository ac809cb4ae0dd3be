// SPDX-License-Identifier: Apache-2.0

import { createServer as createHttp1Server } from "node:http";
import type { IncomingMessage, Server as Http1Server, ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type {
  Http2Server,
  Http2ServerRequest,
  Http2ServerResponse,
  ServerHttp2Session,
} from "node:http2";
import type { Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Server as TlsServer, TLSSocket } from "node:tls";
import { getLogger } from "@logtape/logtape";
import type { Limits } from "./limits.ts";
import type { TlsOptions } from "./tls.ts";

const logger = getLogger(["tsoracle", "net"]);

/** Called with each request of HTTP/1.1. */
export type OnHttp1Request = (request: IncomingMessage, response: ServerResponse) => void;

/** Called with each request of HTTP/2. */
export type OnHttp2Request = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/**
 * An HTTP/1.1 server that is never bound: sockets are handed to it by emitting `connection`. Its own
 * time-outs work only on a bound server and are off; the connection has its own.
 */
export function createUnboundHttp1(limits: Limits, onRequest: OnHttp1Request): Http1Server {
  const server = createHttp1Server({
    maxHeaderSize: limits.headerBytes,
    keepAliveTimeout: 0,
    requestTimeout: 0,
    headersTimeout: 0,
    // Whatever host an old client leaves out, it means this one.
    requireHostHeader: false,
  }, onRequest);
  // Deno closes a connection after each answer if its server is not bound, having promised to keep it.
  Object.defineProperty(server, "listening", { value: true });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || socket.destroyed) return void socket.destroy();
    const status = error.code === "HPE_HEADER_OVERFLOW"
      ? "431 Request Header Fields Too Large"
      : "400 Bad Request";
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });
  return server;
}

/** An HTTP/2 server that is never bound: sockets are handed to it by emitting `connection`. */
export function createUnboundHttp2(limits: Limits, onRequest: OnHttp2Request): Http2Server {
  const server = createHttp2Server({
    settings: {
      maxConcurrentStreams: limits.streamsPerConnection,
      maxHeaderListSize: limits.headerBytes,
    },
  }, onRequest);
  server.on(
    "sessionError",
    (error) => logger.debug("an HTTP/2 connection failed: {error}", { error }),
  );
  return server;
}

/**
 * Starts HTTP/2 on a socket.
 *
 * @returns the session, which the server announces while the socket is handed to it
 */
export function startHttp2(server: Http2Server, socket: Socket): ServerHttp2Session | undefined {
  let session: ServerHttp2Session | undefined;
  const note = (started: ServerHttp2Session) => session = started;
  server.once("session", note);
  server.emit("connection", socket);
  server.off("session", note);
  session?.on("error", (error) => logger.debug("an HTTP/2 connection failed: {error}", { error }));
  return session;
}

/** A TLS server that is never bound. HTTP/1.1 is also for clients that do not negotiate. */
export function createUnboundTls(
  tls: TlsOptions,
  onSecure: (socket: TLSSocket) => void,
): TlsServer {
  const { certPem: cert, keyPem: key, clientCaPem: ca } = tls;
  const server = createTlsServer({
    cert,
    key,
    ...(ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true }),
    ALPNProtocols: ["h2", "http/1.1"],
    minVersion: "TLSv1.2",
  });
  server.on("secureConnection", onSecure);
  server.on("tlsClientError", (error, socket) => {
    logger.debug("a TLS handshake failed: {error}", { error });
    socket.destroy();
  });
  return server;
}
