// SPDX-License-Identifier: Apache-2.0

import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";

/** What goes back. */
export interface Answer extends UniversalServerResponse {
  /** Whether the parts of the body come over time, each to be sent as it comes. */
  readonly isStream?: boolean;
  /** A last look, to be taken just before it goes out. */
  lateCheck?: LateCheck | undefined;
}

/** Answers a request of any protocol. */
export type Dispatcher = (request: UniversalServerRequest) => Promise<Answer>;

/** A last look at an answer with timestamps, just before it goes out. */
export interface LateCheck {
  /** Whether the leadership that it was granted under has lasted. */
  readonly holds: () => boolean;
  /** The answer to give in its place: not-leader, in the protocol of the request. */
  readonly instead: Dispatcher;
}
