// SPDX-License-Identifier: Apache-2.0

import type { Socket } from "node:net";
import type { Deadline, DeadlineQueue } from "../http2/deadline_queue.ts";

/** The waits of all connections, by their length. */
export interface Waits {
  /** Accept to known protocol. */
  readonly handshake: DeadlineQueue;
  /** Head, body and answer of a request. */
  readonly request: DeadlineQueue;
  /** Without an open request. */
  readonly idle: DeadlineQueue;
}

/** The HTTP/2 of a connection, whoever speaks it. */
export interface Http2Session {
  /** Whether it has ended. */
  readonly destroyed: boolean;
  /** How many requests it has answered in the turn that brought them, without an {@linkcode OpenRequest}. */
  readonly answered?: number;
  /** Takes no further request, and ends when the open ones are answered. */
  close(): void;
  /** Ends at once. */
  destroy(): void;
  /** Asks the client for a sign of life. */
  ping(onAck: () => void): unknown;
}

/** A request that has begun. */
export interface OpenRequest {
  /** Drops what is under way for it. */
  end(): void;
  /** Answers with UNAVAILABLE if its body has not come. */
  refuse(): void;
}

/** What a client that says too little for too long on HTTP/1.1 is told. */
const TIMED_OUT = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/** One accepted socket, from accept to close. */
export class Connection {
  /** The socket as it was accepted, below TLS. */
  readonly raw: Socket;
  readonly #waits: Waits;
  #stream: Socket;
  #session: Http2Session | undefined;
  #forget: () => void;
  readonly #open = new Set<OpenRequest>();
  #isDraining = false;

  /** Takes a fresh socket. The clock for its handshake runs from here. */
  constructor(raw: Socket, waits: Waits) {
    this.raw = raw;
    this.#stream = raw;
    this.#waits = waits;
    this.#forget = remembered(waits.handshake, () => this.destroy());
    raw.once("close", () => this.#onClose());
  }

  /** Whether no new request is wanted. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** The protocol is HTTP/1.1, spoken over `stream`. */
  becomeHttp1(stream: Socket): void {
    this.#stream = stream;
    this.#wait(this.#waits.request, () => stream.end(TIMED_OUT, () => this.destroy()));
  }

  /** The protocol is HTTP/2, spoken over `stream`. */
  becomeHttp2(stream: Socket, session: Http2Session): void {
    this.#stream = stream;
    this.#session = session;
    this.#awaitRequest();
  }

  /** A request has begun: its head is here. */
  beginRequest(request: OpenRequest): void {
    const isFirst = this.#open.size === 0;
    this.#open.add(request);
    if (this.#session === undefined) this.#forget();
    else if (isFirst) this.#awaitSign(this.#session);
  }

  /** A request and its answer are over. */
  endRequest(request: OpenRequest): void {
    this.#open.delete(request);
    if (this.#open.size > 0 || this.raw.destroyed) return;
    if (this.#isDraining) this.#finish();
    else this.#awaitRequest();
  }

  /** Lets open requests finish and takes no other; closes at once if there is none. */
  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#session?.close();
    if (this.#open.size === 0) this.#finish();
  }

  /** Answers the open requests whose body has not come with UNAVAILABLE. */
  refuse(): void {
    for (const request of this.#open) request.refuse();
  }

  /** Ends everything now. */
  destroy(): void {
    this.#session?.destroy();
    this.#stream.destroy();
    this.raw.destroy();
  }

  /** What is written still goes out. A client that does not take it has as long as for any answer. */
  #finish(): void {
    if (this.#session === undefined) this.#stream.destroySoon();
    this.#wait(this.#waits.request, () => this.destroy());
  }

  /** Not every response of an HTTP/1.1 connection is told that its socket is closed. */
  #onClose(): void {
    this.#forget();
    for (const request of this.#open) request.end();
  }

  /**
   * A request may stay open for ever: a health watch does. A client that is gone without a goodbye, or hangs,
   * does not answer a PING. HTTP/1.1 has nothing of the kind.
   */
  #awaitSign(session: Http2Session): void {
    this.#wait(this.#waits.idle, () => {
      this.#wait(this.#waits.request, () => this.destroy());
      if (session.destroyed) return;
      session.ping(() => {
        if (this.#open.size > 0 && !this.raw.destroyed) this.#awaitSign(session);
      });
    });
  }

  #awaitRequest(): void {
    const answered = this.#session?.answered;
    this.#wait(this.#waits.idle, () => {
      if (this.#session?.answered === answered) this.drain();
      else this.#awaitRequest();
    });
  }

  #wait(queue: DeadlineQueue, expire: () => void): void {
    this.#forget();
    this.#forget = remembered(queue, expire);
  }
}

function remembered(queue: DeadlineQueue, expire: () => void): () => void {
  const deadline: Deadline = queue.add(expire);
  return () => queue.remove(deadline);
}
