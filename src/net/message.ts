// SPDX-License-Identifier: Apache-2.0

import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import type { Answer } from "../rpc/answer.ts";
import type { SendOptions, SendOutcome } from "./send_answer.ts";

/** Told how a message goes on. */
export interface MessageEvents {
  /** The request is here to its end, or nothing more of it will come. May be called more than once. */
  onReceived(): void;
  /** The message is over: answered, abandoned by the client, or cut off. May be called more than once. */
  onClosed(): void;
}

/** A request and the way back to its client, whatever protocol and whichever code carries it. */
export interface Message {
  /** The content type of the request. */
  readonly contentType: string | undefined;
  /** Whether the request is here to its end. */
  readonly isComplete: boolean;
  /** Whether nothing more of the request will come. */
  readonly isReceived: boolean;
  /** Whether the head of an answer has been sent. */
  readonly hasBegun: boolean;

  /** Says what happens from now on. Called once, as soon as the message is there. */
  watch(events: MessageEvents): void;

  /** Whether somebody else has waited for the request for as long as it may take to come. By default nobody has. */
  readonly isLate?: boolean;

  /**
   * Reads the head of the request.
   *
   * @param signal fires when the client has gone
   * @returns nothing if the target of the request is not a path or an absolute URL
   */
  read(signal: AbortSignal): UniversalServerRequest | undefined;

  /** Sends an answer; see `sendAnswer`. */
  send(answer: Answer, options: SendOptions): Promise<SendOutcome>;

  /** Says with the answer that no further request is taken. HTTP/2 says it once for all, with GOAWAY. */
  announceClose(): void;

  /** Reads away what is left of a body that nobody wants. */
  skipBody(): void;

  /** Ends it without the rest of an answer; on HTTP/1.1 its connection goes too. */
  cutOff(): void;
}

/** Nothing looks at the host of a request, so an odd one can do no harm. */
const ORIGIN = "http://localhost";

/** The URL of a request, or nothing if its target is not a path or an absolute URL. */
export function toUrl(target: string): string | undefined {
  if (target.startsWith("/")) return ORIGIN + target;
  return /^https?:\/\//i.test(target) && URL.canParse(target) ? target : undefined;
}
