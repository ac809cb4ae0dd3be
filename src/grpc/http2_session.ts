// SPDX-License-Identifier: Apache-2.0

import { constants } from "node:http2";
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  ClientSessionRequestOptions,
  OutgoingHttpHeaders,
} from "node:http2";
import type { Socket } from "node:net";
import { SystemClock } from "../clock/system_clock.ts";
import type { Clock } from "../core/clock.ts";
import { deferred } from "../core/deferred.ts";

/**
 * How long a connection may be silent before it is checked with a ping (behaviour.md 6.4), whatever streams are
 * open. A request on one that was silent for longer waits for the pong, so that a half-open connection is found
 * at once.
 */
const SILENCE_MS = 30_000;

/** How long a pong may take. */
const PONG_TIMEOUT_MS = 5_000;

/** The least time between two pings of {@linkcode Http2Session.probe}: etcd hangs up on who asks every 5 s. */
const PROBE_GAP_MS = 6_000;

/** What a {@linkcode Http2Session} needs of a socket. */
export type SocketBelow = Pick<Socket, "destroy" | "on">;

/** How a connection finds out that its peer is gone. */
export interface KeepAliveOptions {
  /**
   * How long a connection may be silent while a stream is open before it is checked with a ping, in
   * milliseconds; 6,000 or more for etcd. Absent: it is checked before a request only.
   */
  readonly keepAliveMs?: number | undefined;
  /**
   * How long a pong may take, in milliseconds.
   *
   * @default {5_000}
   */
  readonly pongTimeoutMs?: number | undefined;
}

/** What a {@linkcode Http2Session} works with. */
export interface Http2SessionOptions extends KeepAliveOptions {
  /** The session. */
  readonly session: ClientHttp2Session;
  /** The socket below it, which does not keep the process alive. */
  readonly socket: SocketBelow;
  /**
   * Where time comes from; for tests.
   *
   * @default {new SystemClock()}
   */
  readonly clock?: Clock;
}

/**
 * An HTTP/2 session from its first packet to its last. Its errors always have a listener. While no stream is
 * open it does not keep the process alive.
 */
export class Http2Session {
  readonly #session: ClientHttp2Session;
  readonly #socket: SocketBelow;
  readonly #clock: Clock;
  readonly #keepAliveMs: number | undefined;
  readonly #pongTimeoutMs: number;
  /** Resolves once the peer has sent its settings; rejects if it ends before. */
  readonly #connected: Promise<void>;
  #isConnected = false;
  #isLeaving = false;
  #streams = 0;
  #heardMs = 0;
  #askedMs = -Infinity;
  #check: Promise<boolean> | undefined;
  /** Ends the watch over a silent peer. */
  #idle: AbortController | undefined;

  /** Takes a session over that was made in this turn, and the socket below it. */
  constructor(options: Http2SessionOptions) {
    const { session, socket, clock = new SystemClock() } = options;
    this.#session = session;
    this.#socket = socket;
    this.#clock = clock;
    this.#keepAliveMs = options.keepAliveMs;
    this.#pongTimeoutMs = options.pongTimeoutMs ?? PONG_TIMEOUT_MS;
    const connected = deferred<void>();
    session.on("error", (error) => connected.reject(error));
    // Node tells a session that has no stream nothing of a certificate that is refused late.
    // One that has an error of its own already is about to tell it, and that comes first.
    socket.on("error", (error) => {
      if (!session.destroyed) connected.reject(error);
      this.destroy(error);
    });
    session.once("close", () => {
      this.#idle?.abort();
      connected.reject(new Error("the peer closed the connection"));
    });
    session.once("goaway", () => this.#leave());
    // A connection proves nothing: what listens there may be no server of HTTP/2. Its settings do.
    session.once("remoteSettings", () => {
      this.#isConnected = true;
      this.hear();
      connected.resolve();
    });
    connected.promise.catch(() => {});
    this.#connected = connected.promise;
  }

  /** Whether it is not known yet that there is a peer. */
  get isDialling(): boolean {
    return !this.#isConnected && !this.#hasEnded;
  }

  /**
   * Waits until it is connected, and whether it then can take a stream.
   *
   * @throws what the operating system, TLS or the peer said, if it never was connected
   */
  async isUsable(): Promise<boolean> {
    if (!this.#isConnected) await this.#connected;
    if (this.#hasEnded || this.#isLeaving) return false;
    if (this.#clock.monotonicMs() - this.#heardMs < SILENCE_MS) return true;
    return await this.#lives();
  }

  /** Asks a peer for a sign of life, if that was not done lately, and ends the connection if none comes. */
  async probe(): Promise<void> {
    if (!this.#isConnected || this.#hasEnded) return;
    if (this.#clock.monotonicMs() - this.#askedMs >= PROBE_GAP_MS) await this.#lives();
  }

  /** Opens a stream. */
  request(
    headers: OutgoingHttpHeaders,
    options: ClientSessionRequestOptions,
  ): ClientHttp2Stream {
    const stream = this.#session.request(headers, options);
    if (++this.#streams === 1) this.#begin();
    stream.once("close", () => {
      if (--this.#streams > 0) return;
      this.#idle?.abort();
      if (this.#isLeaving) this.#session.close();
      else if (!this.#hasEnded) this.#session.unref();
    });
    return stream;
  }

  /** Takes note that the peer lives. */
  hear(): void {
    this.#heardMs = this.#clock.monotonicMs();
  }

  /** Ends it at once; streams on it fail with the reason. Without one they would just close, and seem to wait still. */
  destroy(reason = new Error("the connection was closed")): void {
    if (!this.#session.destroyed) this.#session.destroy(reason, constants.NGHTTP2_CANCEL);
    // A session that is not connected yet leaves its socket to connect.
    this.#socket.destroy();
  }

  #begin(): void {
    this.#session.ref();
    if (this.#keepAliveMs === undefined) return;
    const idle = new AbortController();
    this.#idle = idle;
    this.#keepAlive(this.#keepAliveMs, idle.signal).catch(() => {});
  }

  async #keepAlive(silenceMs: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const silentMs = this.#clock.monotonicMs() - this.#heardMs;
      if (silentMs < silenceMs) await this.#clock.delay(silenceMs - silentMs, { signal });
      else if (!await this.#lives()) return;
    }
  }

  #lives(): Promise<boolean> {
    this.#check ??= this.#ping().finally(() => this.#check = undefined);
    return this.#check;
  }

  get #hasEnded(): boolean {
    return this.#session.closed || this.#session.destroyed;
  }

  /** The peer takes no new streams; those that are open come to their end. */
  #leave(): void {
    this.#isLeaving = true;
    if (this.#streams === 0) this.#session.close();
  }

  async #ping(): Promise<boolean> {
    this.#askedMs = this.#clock.monotonicMs();
    const answered = new AbortController();
    const pong = this.#sendPing().finally(() => answered.abort());
    const late = this.#clock.delay(this.#pongTimeoutMs, { signal: answered.signal })
      .then(() => false, () => pong);
    const lives = await Promise.race([pong, late]);
    if (lives) this.hear();
    else this.destroy(new Error(`the peer did not answer a ping within ${this.#pongTimeoutMs} ms`));
    return lives;
  }

  #sendPing(): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (lives: boolean) => {
        this.#session.off("close", lost);
        resolve(lives);
      };
      const lost = () => end(false);
      this.#session.once("close", lost);
      const sent = this.#session.ping((error) => end(error === null));
      if (!sent) end(false);
    });
  }
}
