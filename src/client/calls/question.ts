// SPDX-License-Identifier: Apache-2.0

import type { Epoch } from "../../core/epoch.ts";
import type { RpcOptions } from "./attempt.ts";
import type { TsoClientStub } from "../channels/pooled_channel.ts";
import type { ReceivedMark } from "../leader/received.ts";

/** What a call asks of an endpoint, and how it takes an answer. */
export interface Question<T> {
  /** What the caller wants, for the middle of a sentence, such as `get timestamps`. */
  readonly what: string;
  /** Whether it must be known that a request was not sent: the connection is then made first. */
  readonly dialFirst: boolean;
  /**
   * Sends the request and reads the answer.
   *
   * @throws {BadAnswerError} if the answer breaks the protocol
   */
  ask(stub: TsoClientStub, options: RpcOptions): Promise<T>;
  /** The epoch of the leader that answered; undefined if the answer tells nothing about who leads. */
  epochOf(answer: T): Epoch | undefined;
  /** Says in which way an answer lies behind what had been received before; undefined if it does not. */
  behind(answer: T, mark: ReceivedMark): string | undefined;
  /** Takes note of an answer that is handed out. */
  note(answer: T): void;
}
