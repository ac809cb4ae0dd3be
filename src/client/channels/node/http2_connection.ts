// SPDX-License-Identifier: Apache-2.0

import { connect } from "node:http2";
import type {
  ClientHttp2Stream,
  ClientSessionRequestOptions,
  OutgoingHttpHeaders,
} from "node:http2";
import type { ClientTlsOptions } from "../channel.ts";
import { Http2Session } from "./http2_session.ts";

/** Where an {@linkcode Http2Connection} leads. */
export interface Http2ConnectionOptions {
  /** The origin of its URLs. */
  readonly origin: string;
  /** Certificates; absent for plaintext and for what the system trusts. */
  readonly tls: ClientTlsOptions | undefined;
}

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
  readonly #tls: ClientTlsOptions | undefined;
  #dialled: Http2Session | undefined;
  #closed = false;

  /** Makes a connection that is not dialled yet. */
  constructor(options: Http2ConnectionOptions) {
    this.authority = new URL(options.origin).origin;
    this.#tls = options.tls;
  }

  /**
   * Makes the connection, unless there is one that lives.
   *
   * @throws what the operating system, TLS or the peer said
   */
  async dial(): Promise<void> {
    await this.#ready();
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

  /** Takes note that the peer lives. */
  notifyResponseByteRead(): void {
    this.#dialled?.hear();
  }

  /** Ends the connection for good; streams on it fail. */
  close(): void {
    this.#closed = true;
    this.#dialled?.destroy();
  }

  async #ready(): Promise<Http2Session> {
    for (;;) {
      if (this.#closed) throw new Error("the connection was closed");
      const session = this.#dialled ?? this.#dial();
      if (await session.isUsable()) return session;
      if (this.#dialled === session) this.#dialled = undefined;
    }
  }

  #dial(): Http2Session {
    const session = new Http2Session(connect(this.authority, { ...this.#tls }));
    this.#dialled = session;
    return session;
  }
}
