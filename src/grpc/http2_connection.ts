// SPDX-License-Identifier: Apache-2.0

import { connect } from "node:http2";
import type {
  ClientHttp2Stream,
  ClientSessionRequestOptions,
  OutgoingHttpHeaders,
} from "node:http2";
import { SystemClock } from "../clock/system_clock.ts";
import type { TlsCertificates } from "./tls_certificates.ts";
import { Http2Session } from "./http2_session.ts";
import type { KeepAliveOptions } from "./http2_session.ts";
import { openSocket } from "./open_socket.ts";

/** Where an {@linkcode Http2Connection} leads. */
export interface Http2ConnectionOptions extends KeepAliveOptions {
  /** The origin of its URLs. */
  readonly origin: string;
  /** Certificates; absent for plaintext and for what the runtime trusts. */
  readonly tls: TlsCertificates | undefined;
}

/**
 * How long a dial goes on that nobody waits for any more, in milliseconds: the next call may be glad of it. The
 * system would try for minutes, and keep the process alive.
 */
const ABANDONED_DIAL_MS = 1_000;

/**
 * One HTTP/2 connection, made when it is first used, and made anew when it has ended or the server says
 * goodbye.
 *
 * It stands in for the session manager of `@connectrpc/connect-node`, which takes its listeners from a session
 * before that has come to its end: on Deno 2.8.3 a peer that speaks no HTTP/2, or refuses a certificate after
 * the handshake, then ends the process with an uncaught error.
 */
export class Http2Connection {
  /**
   * The origin under the name that `@connectrpc/connect-node` gives it, and without the port that its scheme has
   * anyway: it is compared with the origin of each URL.
   */
  readonly authority: string;
  readonly #tls: TlsCertificates | undefined;
  readonly #keepAlive: KeepAliveOptions;
  readonly #clock = new SystemClock();
  #dialled: Http2Session | undefined;
  #users = 0;
  /** Ends the wait for a dial that was abandoned. */
  #patience: AbortController | undefined;
  #closed = false;

  /** Makes a connection that is not dialled yet. */
  constructor(options: Http2ConnectionOptions) {
    this.authority = new URL(options.origin).origin;
    this.#tls = options.tls;
    const { keepAliveMs, pongTimeoutMs } = options;
    this.#keepAlive = { keepAliveMs, pongTimeoutMs };
  }

  /**
   * Makes the connection, unless there is one that lives. It is there once the peer has said its first word of
   * HTTP/2.
   *
   * @throws what the operating system, TLS or the peer said
   */
  async dial(): Promise<void> {
    await this.#ready();
  }

  /** Does some work for which the connection is wanted. A dial that nobody wants any more ends soon. */
  async whileUsed<T>(work: () => Promise<T>): Promise<T> {
    this.#users += 1;
    this.#patience?.abort();
    try {
      return await work();
    } finally {
      this.#users -= 1;
      if (this.#users === 0) this.#abandonDial();
    }
  }

  /**
   * Opens a stream.
   *
   * @throws what the operating system, TLS or the peer said
   */
  async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    options: Omit<ClientSessionRequestOptions, "signal">,
  ): Promise<ClientHttp2Stream> {
    const session = await this.#ready();
    return session.request({ ...headers, ":method": method, ":path": path }, options);
  }

  /** Asks the peer for a sign of life, and ends the connection if none comes: its streams then fail. */
  async probe(): Promise<void> {
    await this.#dialled?.probe();
  }

  /** Takes note that the peer lives. */
  notifyResponseByteRead(): void {
    this.#dialled?.hear();
  }

  /** Ends the connection for good; streams on it fail. */
  close(): void {
    this.#closed = true;
    this.#patience?.abort();
    this.#dialled?.destroy();
  }

  #abandonDial(): void {
    const session = this.#dialled;
    if (session === undefined || this.#closed || !session.isDialling) return;
    const patience = new AbortController();
    this.#patience = patience;
    const stop = () => patience.abort();
    session.isUsable().then(stop, stop);
    this.#clock.delay(ABANDONED_DIAL_MS, patience).then(() => session.destroy(), () => {});
  }

  async #ready(): Promise<Http2Session> {
    for (;;) {
      if (this.#closed) throw new Error("the connection was closed");
      const session = this.#dialled ?? this.#dial();
      let isUsable = false;
      try {
        isUsable = await session.isUsable();
      } finally {
        // One that never came about is as useless as one that has ended.
        if (!isUsable && this.#dialled === session) this.#dialled = undefined;
      }
      if (isUsable) return session;
    }
  }

  #dial(): Http2Session {
    const socket = openSocket(this.authority, this.#tls);
    const session = new Http2Session({
      ...this.#keepAlive,
      session: connect(this.authority, { createConnection: () => socket }),
      socket,
    });
    this.#dialled = session;
    return session;
  }
}
