// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import type { Answer } from "../rpc/answer.ts";
import type { FaultLog } from "../rpc/fault_log.ts";
import type { Refusal } from "../rpc/refusal.ts";
import { refuse } from "../rpc/refusal.ts";
import type { Connection, OpenRequest } from "./connection.ts";
import type { Deadline, DeadlineQueue } from "../http2/deadline_queue.ts";
import type { Front } from "./front.ts";
import type { Message } from "./message.ts";
import type { Entrant } from "./turnstile.ts";

/** The reason with which the work of a client that has gone is dropped. Nobody reads it. */
const GONE = new ConnectError("the client has gone", Code.Canceled);

/** What all exchanges of a server share. */
export interface ExchangeOptions {
  /** Finds the answer. */
  readonly front: Front;
  /** How long a body may take to come, and an answer to be taken. */
  readonly waits: DeadlineQueue;
  /** That time in milliseconds, for the one who is told. */
  readonly timeoutMs: number;
  /** Where faults of ours go. */
  readonly faults: FaultLog;
}

/**
 * One request and its answer on a connection. It ends with the close of the response, which comes in every
 * case: answered, refused, abandoned by the client, or destroyed with the connection.
 */
export class Exchange implements Entrant, OpenRequest {
  readonly #message: Message;
  readonly #connection: Connection;
  readonly #options: ExchangeOptions;
  readonly #gone = new AbortController();
  #receiving: Deadline | undefined;
  #sending: Deadline | undefined;
  /** The answer that is being written, of several that may be in the making. */
  #chosen: Answer | undefined;
  /** The request as the front takes it. */
  #asked: UniversalServerRequest | undefined;

  /** Takes a request whose head is here. */
  constructor(message: Message, connection: Connection, options: ExchangeOptions) {
    this.#message = message;
    this.#connection = connection;
    this.#options = options;
    this.#begin();
  }

  /** Whether the client has gone. */
  get isGone(): boolean {
    return this.#gone.signal.aborted;
  }

  /** Answers. */
  start(): void {
    void this.#answer();
  }

  async #answer(): Promise<void> {
    let answer: Answer | undefined;
    try {
      answer = await this.#findAnswer();
      await this.#send(answer);
    } catch (error) {
      if (!this.isGone) this.#fail(error, answer);
    }
  }

  /** Drops what is under way: the answer is out, or nobody is left to take it. */
  end(): void {
    if (this.isGone) return;
    this.#gone.abort(GONE);
    this.#options.waits.remove(this.#sending);
    if (this.#message.isReceived) this.#onReceived();
    this.#connection.endRequest(this);
  }

  /** The server ends. A body that is still to come keeps the call from noticing by itself. */
  refuse(): void {
    if (this.#message.isComplete || this.#message.hasBegun) return;
    this.#refuseAndClose({ status: 503, text: "server is shutting down" });
  }

  #begin(): void {
    this.#connection.beginRequest(this);
    this.#message.watch({ onReceived: () => this.#onReceived(), onClosed: () => this.end() });
    if (this.#message.isLate) this.#onSlowBody();
    else this.#receiving = this.#options.waits.add(() => this.#onSlowBody());
  }

  #onReceived(): void {
    this.#options.waits.remove(this.#receiving);
  }

  #findAnswer(): Promise<Answer> | Answer {
    this.#asked = this.#message.read(this.#gone.signal);
    if (this.#asked !== undefined) return this.#options.front(this.#asked);
    return this.#refusal({
      status: 400,
      text: "Cannot read the target of the request: use a path",
    });
  }

  async #send(answer: Answer): Promise<void> {
    if (this.#chosen !== undefined) return;
    if (this.#connection.isDraining) this.#message.announceClose();
    const outcome = await this.#message.send(answer, {
      signal: this.#gone.signal,
      claim: () => (this.#chosen ??= answer) === answer,
    });
    if (outcome === "stale") return await this.#sendInstead(answer);
    if (this.isGone || outcome === "passed-over") return;
    this.#sending = this.#options.waits.add(() => this.#message.cutOff());
    this.#message.skipBody();
  }

  async #sendInstead({ lateCheck }: Answer): Promise<void> {
    if (this.#asked === undefined || lateCheck === undefined) return;
    await this.#send(await this.#options.front(this.#asked, lateCheck.instead));
  }

  /** What has failed may not cut off another answer, such as the refusal that made it fail. */
  #fail(error: unknown, answer: Answer | undefined): void {
    this.#options.faults.report(error);
    if (this.#chosen !== undefined && this.#chosen === answer) return this.#message.cutOff();
    this.#send(this.#refusal({ status: 500, text: "internal error" })).catch(() =>
      this.#message.cutOff()
    );
  }

  /** The answer may be out already while the rest of a refused body still trickles in. */
  #onSlowBody(): void {
    if (this.#message.isComplete) return;
    if (this.#message.hasBegun) return this.#message.cutOff();
    const text = `The request was not complete after ${this.#options.timeoutMs} ms`;
    this.#refuseAndClose({ status: 408, text });
  }

  #refuseAndClose(refusal: Refusal): void {
    this.#message.announceClose();
    this.#send(this.#refusal(refusal)).catch(() => this.#message.cutOff());
  }

  #refusal(refusal: Refusal): Answer {
    return refuse(refusal, this.#message.contentType);
  }
}
