// SPDX-License-Identifier: Apache-2.0

import { constants } from "node:http2";
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  ClientSessionRequestOptions,
  OutgoingHttpHeaders,
} from "node:http2";
import { SystemClock } from "../../../clock/system_clock.ts";
import { deferred } from "../../../core/deferred.ts";

/**
 * How long a connection may be silent before it is checked with a ping (behaviour.md 6.4). A request on one
 * that has been idle for longer waits for the pong, so that a half-open connection is found at once.
 */
const SILENCE_MS = 30_000;

/** How long a pong may take. */
const PONG_TIMEOUT_MS = 5_000;

/**
 * An HTTP/2 session from its first packet to its last. Its errors always have a listener. While no stream is
 * open it does not keep the process alive.
 */
export class Http2Session {
  readonly #session: ClientHttp2Session;
  readonly #clock = new SystemClock();
  /** Resolves once it is connected; rejects if it ends before. */
  readonly #connected: Promise<void>;
  #isConnected = false;
  #isLeaving = false;
  #streams = 0;
  #heardMs = 0;
  #check: Promise<boolean> | undefined;

  /** Takes a session over that was made in this turn. */
  constructor(session: ClientHttp2Session) {
    this.#session = session;
    const connected = deferred<void>();
    session.on("error", (error) => connected.reject(error));
    session.once("close", () => connected.reject(new Error("the peer closed the connection")));
    session.once("goaway", () => this.#leave());
    session.once("connect", () => {
      this.#isConnected = true;
      this.hear();
      session.unref();
      connected.resolve();
    });
    connected.promise.catch(() => {});
    this.#connected = connected.promise;
  }

  /**
   * Waits until it is connected, and whether it then can take a stream.
   *
   * @throws what the operating system, TLS or the peer said, if it never was connected
   */
  async isUsable(): Promise<boolean> {
    if (!this.#isConnected) await this.#connected;
    if (this.#hasEnded || this.#isLeaving) return false;
    if (this.#streams > 0 || this.#clock.monotonicMs() - this.#heardMs < SILENCE_MS) return true;
    this.#check ??= this.#ping().finally(() => this.#check = undefined);
    return await this.#check;
  }

  /** Opens a stream. */
  request(
    headers: OutgoingHttpHeaders,
    options: ClientSessionRequestOptions,
  ): ClientHttp2Stream {
    const stream = this.#session.request(headers, options);
    if (++this.#streams === 1) this.#session.ref();
    stream.once("close", () => {
      if (--this.#streams > 0) return;
      if (this.#isLeaving) this.#session.close();
      else if (!this.#hasEnded) this.#session.unref();
    });
    return stream;
  }

  /** Takes note that the peer lives. */
  hear(): void {
    this.#heardMs = this.#clock.monotonicMs();
  }

  /** Ends it at once; streams on it fail. */
  destroy(): void {
    if (!this.#session.destroyed) this.#session.destroy(undefined, constants.NGHTTP2_CANCEL);
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
    const answered = new AbortController();
    const pong = this.#sendPing().finally(() => answered.abort());
    const late = this.#clock.delay(PONG_TIMEOUT_MS, { signal: answered.signal })
      .then(() => false, () => pong);
    const lives = await Promise.race([pong, late]);
    if (lives) this.hear();
    else this.destroy();
    return lives;
  }

  #sendPing(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#session.once("close", () => resolve(false));
      const sent = this.#session.ping((error) => resolve(error === null));
      if (!sent) resolve(false);
    });
  }
}
