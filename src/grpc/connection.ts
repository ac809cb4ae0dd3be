// SPDX-License-Identifier: Apache-2.0

import { abortable } from "../core/abortable.ts";
import type { Clock } from "../core/clock.ts";
import type { TlsCertificates } from "./tls_certificates.ts";
import { openSocket } from "./open_socket.ts";
import { Session } from "./session.ts";
import type { KeepAliveOptions } from "./session.ts";
import { refused } from "./transport_error.ts";
import { UnheldClock } from "./unheld_clock.ts";

/**
 * How long a dial goes on that nobody waits for any more, in milliseconds: the next call may be glad of it. The
 * system would try for minutes.
 */
const ABANDONED_DIAL_MS = 1_000;

/** Where a {@linkcode GrpcConnection} leads. */
export interface GrpcConnectionOptions extends KeepAliveOptions {
  /** The origin of its URLs. */
  readonly origin: string;
  /** Certificates; absent for plaintext and for what the runtime trusts. */
  readonly tls: TlsCertificates | undefined;
  /**
   * Where time comes from; for tests.
   *
   * @default {new UnheldClock()}
   */
  readonly clock?: Clock;
}

/** One HTTP/2 connection, made when it is first used, and made anew when it has ended or the server says goodbye. */
export class GrpcConnection {
  readonly #options: GrpcConnectionOptions;
  readonly #clock: Clock;
  #session: Session | undefined;
  /** Those that take no new requests, and on which some are still under way. */
  readonly #leaving = new Set<Session>();
  #users = 0;
  /** Ends the wait for a dial that was abandoned. */
  #patience: AbortController | undefined;
  #isClosed = false;

  /** Makes a connection that is not dialled yet. */
  constructor(options: GrpcConnectionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? new UnheldClock();
  }

  /** The session that lives, if there is one that is known to. */
  get ready(): Session | undefined {
    return this.#session?.isReady === true ? this.#session : undefined;
  }

  /**
   * Waits for the session, unless there is one that lives.
   *
   * @param signal fires when nobody waits for it any more
   * @throws what {@linkcode GrpcConnection.session} throws, or the signal's reason
   */
  async dial(signal: AbortSignal): Promise<void> {
    this.enter();
    try {
      await abortable(this.session(), signal);
    } finally {
      this.leave();
    }
  }

  /**
   * Asks the peer for a sign of life, and ends the connection if none comes: requests on it fail then, those on one included
   * that takes no new ones.
   */
  async probe(): Promise<void> {
    await Promise.all([this.#session, ...this.#leaving].map((session) => session?.probe()));
  }

  /** Somebody waits for the session. {@linkcode GrpcConnection.leave} must be called once. */
  enter(): void {
    this.#users += 1;
    this.#patience?.abort();
  }

  /** Somebody waits no more. A dial that nobody wants any more ends soon. */
  leave(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#abandonDial();
  }

  /**
   * Makes the session, unless there is one that lives. It is there once the peer has said its first word of HTTP/2.
   *
   * @throws what the operating system, TLS or the peer said; if the peer has said goodbye at once, that nothing was sent
   */
  async session(): Promise<Session> {
    for (;;) {
      if (this.#isClosed) throw new Error("the connection was closed");
      const session = this.#session ??= this.#dial();
      const { isDialling } = session;
      let isUsable = false;
      try {
        isUsable = await session.isUsable();
      } finally {
        // One that never came about is as useless as one that has ended.
        if (!isUsable && this.#session === session) this.#session = undefined;
      }
      if (isUsable) return session;
      this.#letGo(session);
      // Whether to dial again at once is for those to say who have to wait for it.
      if (isDialling) throw refused(session.reason);
    }
  }

  /** Ends the connection for good; requests on it fail. */
  close(): void {
    this.#isClosed = true;
    this.#patience?.abort();
    this.#session?.destroy();
    for (const session of this.#leaving) session.destroy();
  }

  #letGo(session: Session): void {
    for (const each of this.#leaving) {
      if (each.isOver) this.#leaving.delete(each);
    }
    session.leave();
    if (!session.isOver) this.#leaving.add(session);
  }

  #abandonDial(): void {
    const session = this.#session;
    if (session === undefined || this.#isClosed || !session.isDialling) return;
    const patience = new AbortController();
    this.#patience = patience;
    const stop = () => patience.abort();
    session.isUsable().then(stop, stop);
    this.#clock.delay(ABANDONED_DIAL_MS, patience).then(() => session.destroy(), () => {});
  }

  #dial(): Session {
    const { origin, tls, keepAliveMs, pongTimeoutMs } = this.#options;
    const isSecure = new URL(origin).protocol === "https:";
    return new Session({
      socket: openSocket(origin, tls),
      opensWith: isSecure ? "secureConnect" : "connect",
      clock: this.#clock,
      keepAliveMs,
      pongTimeoutMs,
    });
  }
}
