// SPDX-License-Identifier: Apache-2.0

import type { Socket } from "node:net";
import type { Clock } from "../core/clock.ts";
import { deferred } from "../core/deferred.ts";
import { ClientConnection } from "../http2/client_connection.ts";
import type { AnswerSink, ClientRequest, ClientStream } from "../http2/client_stream.ts";
import type { ConnectionDeadlines } from "../http2/connection_parts.ts";
import { DeadlineQueue } from "../http2/deadline_queue.ts";
import { ClientSocket } from "./client_socket.ts";
import { UnheldClock } from "./unheld_clock.ts";

/**
 * How long a connection may be silent before it is checked with a ping (behaviour.md 6.4), whatever streams are
 * open. A request on one that was silent for longer waits for the pong, so that a half-open connection is found
 * at once.
 */
const SILENCE_MS = 30_000;

/** How long a pong may take. */
const PONG_TIMEOUT_MS = 5_000;

/** The least time between two pings of {@linkcode Session.probe}: etcd hangs up on who asks every 5 s. */
const PROBE_GAP_MS = 6_000;

/** How long the server may take to acknowledge settings, to end a header block, or to take a request. */
const PATIENCE_MS = 30_000;

/** How a connection finds out that its peer is gone. */
export interface KeepAliveOptions {
  /**
   * How long a connection may be silent while a request is under way before it is checked with a ping, in
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

/** What a {@linkcode Session} works with. */
export interface SessionOptions extends KeepAliveOptions {
  /** A socket that begins to connect, and does not keep the process alive. */
  readonly socket: Socket;
  /** The event of the socket with which it can be used. */
  readonly opensWith: "connect" | "secureConnect";
  /**
   * Where time comes from; for tests.
   *
   * @default {new UnheldClock()}
   */
  readonly clock?: Clock;
}

/** One connection from its first packet to its last. While no request is under way it does not keep the process alive. */
export class Session {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #deadlines: ConnectionDeadlines;
  readonly #keepAliveMs: number | undefined;
  readonly #pongTimeoutMs: number;
  /** Resolves once the peer has sent its settings; rejects if it ends before. */
  readonly #greeted = deferred<void>();
  #client: ClientConnection | undefined;
  #isGreeted = false;
  #isOver = false;
  #isBusy = false;
  /** Whether somebody looks after a peer that is silent. */
  #isWatched = false;
  #reason: Error | undefined;
  #heardMs = 0;
  #askedMs = -Infinity;
  #check: Promise<boolean> | undefined;
  /** Ends all waits. */
  readonly #ended = new AbortController();

  /** Takes a socket over that was made in this turn. */
  constructor(options: SessionOptions) {
    const { socket, opensWith, clock = new UnheldClock() } = options;
    this.#socket = socket;
    this.#clock = clock;
    this.#keepAliveMs = options.keepAliveMs;
    this.#pongTimeoutMs = options.pongTimeoutMs ?? PONG_TIMEOUT_MS;
    const patience = new DeadlineQueue(PATIENCE_MS, clock);
    this.#deadlines = { handshake: patience, stall: patience, farewell: patience };
    this.#greeted.promise.catch(() => {});
    socket.once(opensWith, () => this.#open());
    socket.on("error", (error) => this.destroy(error));
    socket.once("close", () => this.destroy(new Error("the peer closed the connection")));
  }

  /** Whether it is not known yet that there is a peer. */
  get isDialling(): boolean {
    return !this.#isGreeted && !this.#isOver;
  }

  /** Whether it can take a request right now. */
  get isReady(): boolean {
    return this.#canRequest && this.#clock.monotonicMs() - this.#heardMs < SILENCE_MS;
  }

  /** Whether it has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Why it is over, if that is known. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /**
   * Waits until it is connected, and whether it then can take a request.
   *
   * @throws what the operating system, TLS or the peer said, if it never was connected
   */
  async isUsable(): Promise<boolean> {
    if (!this.#isGreeted) await this.#greeted.promise;
    if (!this.#canRequest) return false;
    if (this.isReady) return true;
    return await this.#lives() && this.#canRequest;
  }

  /** Asks a peer for a sign of life, if that was not done lately, and ends the connection if none comes. */
  async probe(): Promise<void> {
    if (!this.#isGreeted || this.#isOver) return;
    if (this.#clock.monotonicMs() - this.#askedMs >= PROBE_GAP_MS) await this.#lives();
  }

  /** Sends a request. One that cannot be sent any more fails as not processed. */
  request(request: ClientRequest, sink: AnswerSink): ClientStream | undefined {
    if (this.#client !== undefined) return this.#client.request(request, sink);
    sink.onFailed({ kind: "unprocessed", code: 0, text: "" });
    return undefined;
  }

  /** Takes no new requests; those under way come to their end, and then it ends. */
  leave(): void {
    this.#client?.connection.drain();
  }

  /** Ends it at once; requests on it fail with the reason. */
  destroy(reason: Error = new Error("the connection was closed")): void {
    this.#end(reason);
    if (this.#client === undefined) this.#socket.destroy();
    else this.#client.connection.destroy();
    for (const queue of Object.values(this.#deadlines)) queue.clear();
  }

  get #canRequest(): boolean {
    return this.#isGreeted && !this.#isOver && this.#client?.canRequest === true;
  }

  #open(): void {
    if (this.#isOver) return;
    const socket = this.#socket;
    socket.setNoDelay(true);
    this.#client = new ClientConnection({
      transport: new ClientSocket(socket),
      clock: this.#clock,
      deadlines: this.#deadlines,
      onFault: (error) => this.#end(asError(error)),
      onGreeted: () => this.#greet(),
      onBusy: (isBusy) => this.#noteBusy(isBusy),
      onOver: (code, text) => this.#end(new Error(describe(code, text))),
    });
    const { connection } = this.#client;
    socket.on("data", (chunk: Uint8Array) => {
      this.#heardMs = this.#clock.monotonicMs();
      connection.receive(chunk);
    });
    socket.on("drain", () => connection.drained());
  }

  /** A connection proves nothing: what listens there may be no server of HTTP/2. Its settings do. */
  #greet(): void {
    this.#isGreeted = true;
    this.#greeted.resolve();
  }

  #end(reason: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reason = reason;
    this.#greeted.reject(reason);
    this.#ended.abort(reason);
  }

  #noteBusy(isBusy: boolean): void {
    this.#isBusy = isBusy;
    if (isBusy) this.#socket.ref();
    else this.#socket.unref();
    if (!isBusy || this.#isWatched || this.#keepAliveMs === undefined) return;
    this.#isWatched = true;
    this.#keepAlive(this.#keepAliveMs).catch(() => {});
  }

  /**
   * Goes on over pauses between requests, so that one request needs no timer of its own. It says that it is over in
   * the turn in which it looks for the last time: a request of the next one would be left without it.
   */
  async #keepAlive(silenceMs: number): Promise<void> {
    const { signal } = this.#ended;
    while (this.#isBusy && !this.#isOver) {
      const silentMs = this.#clock.monotonicMs() - this.#heardMs;
      if (silentMs < silenceMs) await this.#clock.delay(silenceMs - silentMs, { signal });
      else await this.#lives();
    }
    this.#isWatched = false;
  }

  #lives(): Promise<boolean> {
    this.#check ??= this.#ping().finally(() => this.#check = undefined);
    return this.#check;
  }

  async #ping(): Promise<boolean> {
    this.#askedMs = this.#clock.monotonicMs();
    const answered = deferred<boolean>();
    const pause = new AbortController();
    this.#client?.connection.ping(() => answered.resolve(true));
    const lost = () => answered.resolve(false);
    this.#ended.signal.addEventListener("abort", lost);
    this.#clock.delay(this.#pongTimeoutMs, { signal: pause.signal }).then(lost, () => {});
    const lives = await answered.promise;
    pause.abort();
    this.#ended.signal.removeEventListener("abort", lost);
    if (!lives) {
      this.destroy(new Error(`the peer did not answer a ping within ${this.#pongTimeoutMs} ms`));
    }
    return lives;
  }
}

function describe(code: number, text: string): string {
  if (text === "") return "the connection has ended";
  return `the connection was ended with code 0x${code.toString(16)} of HTTP/2: ${text}`;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
