// SPDX-License-Identifier: Apache-2.0

import type { DescMethodUnary } from "@bufbuild/protobuf";

/** A call without promise, signal and message object. One of its three methods is called, once. */
export interface DirectCall {
  /** What is called. */
  readonly method: DescMethodUnary;
  /** The encoded message. Callers that send the same one again had better hand over the same object. */
  readonly message: Uint8Array;
  /** The longest that it may take, in milliseconds; the server is told. */
  readonly timeoutMs: number;
  /** Takes the encoded message of the answer. */
  onAnswer(message: Uint8Array): void;
  /** Takes what a call of the usual kind would throw. */
  onFault(error: unknown): void;
  /** The time is over. */
  onLate(): void;
}

/** A call under way. */
export interface Cancellable {
  /** Nobody waits for the answer any more. */
  cancel(): void;
}

/**
 * A transport that also makes calls of a leaner kind, which end in time whatever the peer does. A call may settle
 * before `begin` returns.
 */
export interface DirectTransport {
  /** Whether there is a connection that is known to live. Without one a call has to go the usual way. */
  readonly isReady: boolean;

  /**
   * Makes a call, if the transport is ready.
   *
   * @returns ends it: nothing else is called then
   */
  begin(call: DirectCall): Cancellable;
}

/** The leaner kind of calls of a transport, if it has them. One that a user has wrapped has none. */
export function directOf(transport: object): DirectTransport | undefined {
  return "begin" in transport && "isReady" in transport ? transport as DirectTransport : undefined;
}
