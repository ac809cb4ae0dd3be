// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError } from "@connectrpc/connect";
import { deferred } from "../core/deferred.ts";
import type { Deferred } from "../core/deferred.ts";
import type { ByteSpan } from "../http2/stream.ts";
import { MessageReader } from "./message_reader.ts";

/** What a {@linkcode MessageQueue} works with. */
export interface MessageQueueOptions {
  /** The largest message that it takes, in bytes. */
  readonly maxBytes: number;
  /** Is told how many bytes of the body were used: the server may send as many more. */
  readonly onUsed: (bytes: number) => void;
}

/** A message that waits, and how many bytes of the body were not told as used for it. */
interface Waiting {
  readonly message: Uint8Array;
  readonly heldBytes: number;
}

/**
 * The messages of an answer, however its body is cut, until somebody takes them. What waits in it is bounded by the
 * window of the stream, as bytes are counted as used only with their message; but those of a message that is not whole
 * are at once when somebody waits for it, so that it may be longer than the window.
 */
export class MessageQueue {
  readonly #options: MessageQueueOptions;
  readonly #whole: Waiting[] = [];
  #reader: MessageReader;
  /** Bytes of the message that is not whole, as far as they were not told as used. */
  #heldBytes = 0;
  #taker: Deferred<Uint8Array | undefined> | undefined;
  #isOver = false;
  #fault: ConnectError | undefined;

  /** Makes an empty queue. */
  constructor(options: MessageQueueOptions) {
    this.#options = options;
    this.#reader = new MessageReader(options.maxBytes);
  }

  /**
   * Takes a part of the body, which is lent.
   *
   * @throws {ConnectError} if a message is too large or compressed
   */
  add(part: Uint8Array, { start, end }: ByteSpan): void {
    for (let at = start; at < end;) {
      const upTo = Math.min(end, at + this.#reader.missingBytes);
      this.#reader.add(part, { start: at, end: upTo });
      this.#heldBytes += upTo - at;
      at = upTo;
      if (this.#reader.missingBytes === 0) this.#push();
    }
    this.#serve();
  }

  /**
   * No more will come.
   *
   * @throws {ConnectError} if the last message is not whole
   */
  checkEnd(): void {
    this.#reader.finish();
  }

  /** Ends it behind the messages that are whole, with the error if there is one. */
  end(fault?: ConnectError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#fault = fault;
    this.#serve();
  }

  /** Ends it at once, without the messages that wait. */
  abort(fault: ConnectError): void {
    this.#whole.length = 0;
    this.end(fault);
  }

  /**
   * The next message; none after the last. Only one may be waited for at a time.
   *
   * @throws {ConnectError} the error that it was ended with
   */
  take(): Promise<Uint8Array | undefined> {
    if (this.#taker !== undefined) {
      const text = "a message of this answer is waited for already";
      return Promise.reject(new ConnectError(text, Code.Internal));
    }
    const taker = deferred<Uint8Array | undefined>();
    this.#taker = taker;
    this.#serve();
    return taker.promise;
  }

  #push(): void {
    const message = this.#reader.finish();
    if (message !== undefined) this.#whole.push({ message, heldBytes: this.#heldBytes });
    this.#heldBytes = 0;
    this.#reader = new MessageReader(this.#options.maxBytes);
  }

  #serve(): void {
    const taker = this.#taker;
    if (taker === undefined) return;
    const next = this.#whole.shift();
    if (next === undefined && !this.#isOver) return this.#useHeld();
    this.#taker = undefined;
    if (next !== undefined) {
      this.#use(next.heldBytes);
      taker.resolve(next.message);
    } else if (this.#fault === undefined) taker.resolve(undefined);
    else taker.reject(this.#fault);
  }

  #useHeld(): void {
    const bytes = this.#heldBytes;
    this.#heldBytes = 0;
    this.#use(bytes);
  }

  #use(bytes: number): void {
    if (bytes > 0) this.#options.onUsed(bytes);
  }
}
