// SPDX-License-Identifier: Apache-2.0

import type { Http2ServerRequest } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import type { Answer } from "../rpc/answer.ts";
import type { FaultLog } from "../rpc/fault_log.ts";
import type { Refusal } from "../rpc/refusal.ts";
import { refuse } from "../rpc/refusal.ts";
import type { Connection, OpenRequest } from "./connection.ts";
import type { Deadline, DeadlineQueue } from "../http2/deadline_queue.ts";
import type { Front } from "./front.ts";
import type { NodeRequest, NodeResponse } from "./node_message.ts";
import type { Entrant } from "./turnstile.ts";
import { sendAnswer, toUniversalRequest } from "./node_message.ts";

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
  readonly #request: NodeRequest;
  readonly #response: NodeResponse;
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
  constructor(
    message: { readonly request: NodeRequest; readonly response: NodeResponse },
    connection: Connection,
    options: ExchangeOptions,
  ) {
    this.#request = message.request;
    this.#response = message.response;
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
    if (this.#request.complete || this.#request.destroyed) this.#onReceived();
    this.#connection.endRequest(this);
  }

  /** The server ends. A body that is still to come keeps the call from noticing by itself. */
  refuse(): void {
    if (this.#request.complete || this.#response.headersSent) return;
    this.#refuseAndClose({ status: 503, text: "server is shutting down" });
  }

  #begin(): void {
    this.#connection.beginRequest(this);
    // A socket that breaks reports it here; without a listener that would end the process.
    this.#request.on("error", ignore);
    this.#response.on("error", ignore);
    this.#receiving = this.#options.waits.add(() => this.#onSlowBody());
    this.#request.once("end", () => this.#onReceived());
    this.#request.once("close", () => this.#onReceived());
    this.#response.once("close", () => this.end());
  }

  #onReceived(): void {
    this.#options.waits.remove(this.#receiving);
  }

  #findAnswer(): Promise<Answer> | Answer {
    this.#asked = toUniversalRequest(this.#request, this.#gone.signal);
    if (this.#asked !== undefined) return this.#options.front(this.#asked);
    return this.#refusal({
      status: 400,
      text: "Cannot read the target of the request: use a path",
    });
  }

  async #send(answer: Answer): Promise<void> {
    if (this.#chosen !== undefined) return;
    if (this.#connection.isDraining) this.#announceClose();
    const outcome = await sendAnswer(this.#response, answer, {
      signal: this.#gone.signal,
      claim: () => (this.#chosen ??= answer) === answer,
    });
    if (outcome === "stale") return await this.#sendInstead(answer);
    if (this.isGone || outcome === "passed-over") return;
    this.#sending = this.#options.waits.add(() => this.#cutOff());
    this.#skipBody();
  }

  async #sendInstead({ lateCheck }: Answer): Promise<void> {
    if (this.#asked === undefined || lateCheck === undefined) return;
    await this.#send(await this.#options.front(this.#asked, lateCheck.instead));
  }

  /** What has failed may not cut off another answer, such as the refusal that made it fail. */
  #fail(error: unknown, answer: Answer | undefined): void {
    this.#options.faults.report(error);
    if (this.#chosen !== undefined && this.#chosen === answer) return this.#cutOff();
    this.#send(this.#refusal({ status: 500, text: "internal error" })).catch(() => this.#cutOff());
  }

  /** The answer may be out already while the rest of a refused body still trickles in. */
  #onSlowBody(): void {
    if (this.#request.complete) return;
    if (this.#response.headersSent) return this.#cutOff();
    const text = `The request was not complete after ${this.#options.timeoutMs} ms`;
    this.#refuseAndClose({ status: 408, text });
  }

  #refuseAndClose(refusal: Refusal): void {
    this.#announceClose();
    this.#send(this.#refusal(refusal)).catch(() => this.#cutOff());
  }

  #refusal(refusal: Refusal): Answer {
    return refuse(refusal, this.#request.headers["content-type"]);
  }

  /** HTTP/2 says it once for the whole connection, with GOAWAY. */
  #announceClose(): void {
    if (!isHttp2(this.#request)) this.#response.setHeader("connection", "close");
  }

  /**
   * Reads away what is left of a refused body. On HTTP/1.1 the next request stands behind it; on HTTP/2 it
   * would use up the flow control that all streams of the connection share.
   */
  #skipBody(): void {
    if (!this.#request.complete) this.#request.resume();
  }

  #cutOff(): void {
    if (isHttp2(this.#request)) this.#request.stream.destroy();
    else this.#connection.destroy();
  }
}

function isHttp2(request: NodeRequest): request is Http2ServerRequest {
  return request.httpVersionMajor === 2;
}

function ignore(): void {}
