// SPDX-License-Identifier: Apache-2.0

import type { DeadlineQueue } from "./deadline_queue.ts";
import { ConnectionFault, ERROR_CODE } from "./error_code.ts";
import type { Frame } from "./frames/frame_reader.ts";
import type { NuisanceBudget } from "./nuisance_budget.ts";
import type { Output } from "./output.ts";
import type { SendQueue } from "./send_queue.ts";
import type { PeerSettings } from "./settings.ts";

/** What many connections wait with: one timer for each kind of wait, whatever their number. */
export interface ConnectionDeadlines {
  /** For the acknowledgement of settings, and for the end of a header block that has begun. */
  readonly handshake: DeadlineQueue;
  /** For a peer to take what is sent to it, and to close after a goodbye. */
  readonly stall: DeadlineQueue;
  /** For a peer that opens streams to have heard of a goodbye before it is in force, and then to close if it has not. */
  readonly farewell: DeadlineQueue;
}

/** What a connection and its streams share. */
export interface ConnectionParts {
  /** Where frames are written. */
  readonly output: Output;
  /** The bodies that wait for the peer. */
  readonly sending: SendQueue;
  /** What the peer has asked for. */
  readonly peer: PeerSettings;
  /** How much of the peer's traffic may be of no use. */
  readonly budget: NuisanceBudget;
  /** The timers. */
  readonly deadlines: ConnectionDeadlines;
  /** Ends the connection from outside of a read. */
  readonly fail: (fault: ConnectionFault) => void;
}

/** The streams of a connection, for the side that they are opened from or to. */
export interface StreamLayer {
  /** How many streams are open. */
  readonly size: number;
  /** Whether it is the peer who opens them. */
  readonly isPeerOpening: boolean;
  /** The highest stream that the peer has opened, for GOAWAY. */
  readonly lastPeerId: number;
  /** How many streams the peer has opened. */
  readonly peerStreams: number;

  /**
   * Takes a frame of a stream: DATA, HEADERS, PRIORITY, RST_STREAM, PUSH_PROMISE, CONTINUATION, or WINDOW_UPDATE.
   *
   * @throws {ConnectionFault} if it breaks the connection
   */
  onFrame(frame: Frame): void;

  /** Whether a header block is open, so that no frame may come but its next part. */
  awaits(frame: Frame): boolean;

  /**
   * The peer has sent settings, which are in force.
   *
   * @param windowBytes by how much the window changes with which streams begin
   * @throws {ConnectionFault} if the window of a stream becomes too large
   */
  onPeerSettings(windowBytes: number): void;

  /** The peer has said goodbye: of the streams of this side it takes none above `lastId`. */
  onGoaway(lastId: number): void;

  /** The peer has acknowledged the settings of this side. */
  onSettingsKnown(): void;

  /** No stream is taken any more that is not open yet. */
  refuseNew(): void;

  /** Ends the streams on which nothing is awaited but the rest of a request that has its whole answer. */
  letGo(): void;

  /** Ends all streams without a word to the peer, with a code and a sentence on why, if there is one. */
  closeAll(code: number, text: string): void;
}

/**
 * Counts a frame that was of no use.
 *
 * @throws {ConnectionFault} ENHANCE_YOUR_CALM if there were too many
 */
export function spend(budget: NuisanceBudget): void {
  if (budget.spend()) return;
  throw new ConnectionFault(ERROR_CODE.enhanceYourCalm, "too many frames of no use");
}
