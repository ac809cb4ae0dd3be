// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../core/clock.ts";
import type { ConnectionDeadlines, ConnectionParts, StreamLayer } from "./connection_parts.ts";
import { spend } from "./connection_parts.ts";
import type { Deadline } from "./deadline_queue.ts";
import { ConnectionFault, ERROR_CODE } from "./error_code.ts";
import type { Frame } from "./frames/frame_reader.ts";
import { FrameReader, readUint31 } from "./frames/frame_reader.ts";
import { checkFrame } from "./frames/frame_rules.ts";
import { DEFAULT_MAX_PAYLOAD_BYTES, FLAG, FRAME_TYPE, MAX_STREAM_ID } from "./frames/frame_type.ts";
import { NuisanceBudget } from "./nuisance_budget.ts";
import { Output } from "./output.ts";
import { Pings } from "./pings.ts";
import { SendQueue } from "./send_queue.ts";
import { PeerSettings } from "./settings.ts";
import type { Transport } from "./transport.ts";

/**
 * How many WINDOW_UPDATE frames a peer may send for each DATA frame, one for each 4 KiB, of stream and connection, and as
 * many for each stream: gRPC in C gives credit before there is any answer.
 */
const CREDITS_PER_FRAME = 8;

/** What a connection is made of. */
export interface ConnectionOptions {
  /** The socket. */
  readonly transport: Transport;
  /** Time. */
  readonly clock: Clock;
  /** The timers that it shares with others. */
  readonly deadlines: ConnectionDeadlines;
  /** What the peer sends before its first frame; empty if nothing. */
  readonly preface: Uint8Array;
  /** What this side sends before its first frame; empty if nothing. */
  readonly greeting: Uint8Array;
  /** What this side asks for, as pairs of identifier and value. */
  readonly settings: readonly (readonly [number, number])[];
  /** Whether the peer may ask for pushed streams: a client may, a server may not. */
  readonly mayPeerEnablePush: boolean;
  /** Makes the streams. */
  readonly streams: (parts: ConnectionParts, onEmpty: () => void) => StreamLayer;
  /** Told of a fault of this side, which ends the connection; never of one of the peer. */
  readonly onFault: (error: unknown) => void;
  /** Called when all that one read brought has been taken, or has ended the connection, before the answers go out. */
  readonly onReadEnd?: () => void;
}

/**
 * A connection of HTTP/2, whichever side opens the streams: preface, settings, PING, GOAWAY, the window of the
 * connection, and its end (RFC 9113, 3 to 6). It begins with its own settings.
 */
export class Connection {
  // What each call touches stands first, so that it has few lines of the cache.
  readonly #output: Output;
  readonly #streams: StreamLayer;
  readonly #reader: FrameReader;
  readonly #onReadEnd: (() => void) | undefined;
  #isOver = false;
  #hasSettings = false;
  /** How much of the preface is still to come, in bytes. */
  #awaitedBytes: number;
  readonly #options: ConnectionOptions;
  readonly #parts: ConnectionParts;
  readonly #pings: Pings;
  /** WINDOW_UPDATE frames that were of use. */
  #credits = 0;
  #ackDeadline: Deadline | undefined;
  #congestion: Deadline | undefined;
  #linger: Deadline | undefined;
  /** Runs while a goodbye was announced that is not in force. */
  #farewell: Deadline | undefined;
  #isDraining = false;
  /** Whether the peer said nothing to a goodbye, although it had no stream. */
  #isDeaf = false;

  /** Takes a socket that has just opened. */
  constructor(options: ConnectionOptions) {
    const { transport, deadlines, clock } = options;
    this.#options = options;
    this.#onReadEnd = options.onReadEnd;
    this.#awaitedBytes = options.preface.length;
    this.#output = new Output(transport, () => this.#onCongested());
    this.#parts = {
      output: this.#output,
      sending: new SendQueue(this.#output, deadlines.stall),
      peer: new PeerSettings(options.mayPeerEnablePush),
      budget: new NuisanceBudget(clock),
      deadlines,
      fail: (fault) => this.#fail(fault),
    };
    this.#streams = options.streams(this.#parts, () => this.#onEmpty());
    this.#pings = new Pings(this.#output);
    this.#reader = new FrameReader(DEFAULT_MAX_PAYLOAD_BYTES);
    this.#output.frames.raw(options.greeting);
    this.#output.frames.settings(options.settings);
    this.#output.schedule();
    this.#ackDeadline = deadlines.handshake.add(() => {
      this.#end(ERROR_CODE.settingsTimeout, "settings that were not acknowledged");
    });
  }

  /** Whether it has ended: nothing is received any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Open streams. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Takes what the socket has received. All that it makes this side write goes out with one write. */
  receive(chunk: Uint8Array): void {
    if (this.#isOver) return;
    this.#output.beginRead();
    try {
      this.#readFrames(chunk);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#output.endRead();
    }
  }

  /** The socket has sent everything that waited in it. */
  drained(): void {
    this.#options.deadlines.stall.remove(this.#congestion);
    this.#output.drained();
    if (!this.#isOver) this.#parts.sending.resume();
  }

  /** The socket is closed, by whomever. */
  lost(): void {
    this.#isOver = true;
    this.#output.abandon();
    this.#release();
    const { stall, farewell } = this.#options.deadlines;
    for (const queue of [stall, farewell]) queue.remove(this.#linger);
    this.#streams.closeAll(ERROR_CODE.cancel, "");
  }

  /** Sends a PING; `onAck` is called if the peer answers it. */
  ping(onAck: () => void): void {
    if (!this.#isOver) this.#pings.send(onAck);
  }

  /**
   * Says goodbye: open streams come to their end, and then the connection is closed. A peer that may open streams is told
   * first that it shall open no more, and what it has sent before it knew that is still taken (RFC 9113, 6.8): its
   * answer to a PING comes behind all of it.
   */
  drain(): void {
    if (this.#isOver || this.#isDraining || this.#farewell !== undefined) return;
    if (!this.#streams.isPeerOpening || !this.#hasSettings) return this.#refuseNew();
    this.#output.frames.goaway(MAX_STREAM_ID, ERROR_CODE.noError, "");
    this.#farewell = this.#options.deadlines.farewell.add(() => this.#onUnanswered());
    this.#pings.send(() => this.#refuseNew());
  }

  /** Closes at once. */
  destroy(): void {
    this.lost();
    this.#options.transport.destroy();
  }

  /** The end is told of whatever has come: what is kept for a read may be shared with other connections. */
  #readFrames(chunk: Uint8Array): void {
    const reader = this.#reader;
    try {
      let at = reader.next(chunk, this.#readPreface(chunk));
      for (; at >= 0; at = reader.next(chunk, at)) this.#onFrame(reader.frame);
    } finally {
      this.#onReadEnd?.();
    }
  }

  /** Reads what comes before the first frame. Returns where that is in the chunk, or the end of the chunk. */
  #readPreface(chunk: Uint8Array): number {
    if (this.#awaitedBytes === 0) return 0;
    const { preface } = this.#options;
    let at = 0;
    for (; this.#awaitedBytes > 0 && at < chunk.length; at++) {
      const awaited = preface[preface.length - this.#awaitedBytes];
      if (chunk[at] !== awaited) throw protocolFault("no preface of HTTP/2");
      this.#awaitedBytes -= 1;
    }
    return at;
  }

  #onFrame(frame: Frame): void {
    if (this.#isOver) return;
    checkFrame(frame);
    if (!this.#streams.awaits(frame)) throw protocolFault("a frame within a header block");
    if (!this.#hasSettings) this.#onFirst(frame);
    switch (frame.type) {
      case FRAME_TYPE.settings:
        return this.#onSettings(frame);
      case FRAME_TYPE.ping:
        return this.#onPing(frame);
      case FRAME_TYPE.goaway:
        return this.#onGoaway(frame);
      case FRAME_TYPE.windowUpdate:
        this.#countCredit(frame);
        return frame.streamId === 0 ? this.#onWindowUpdate(frame) : this.#streams.onFrame(frame);
      default:
        // A type that nobody knows means nothing (RFC 9113, 4.1).
        if (frame.type > FRAME_TYPE.continuation) return spend(this.#parts.budget);
        return this.#streams.onFrame(frame);
    }
  }

  #onFirst(frame: Frame): void {
    this.#hasSettings = true;
    if (frame.type === FRAME_TYPE.settings && (frame.flags & FLAG.ack) === 0) return;
    throw protocolFault("a preface without SETTINGS");
  }

  #onSettings(frame: Frame): void {
    if ((frame.flags & FLAG.ack) !== 0) return this.#onSettingsAck();
    const { peer, budget, output } = this.#parts;
    spend(budget);
    const before = peer.initialWindowBytes;
    peer.apply(frame);
    output.frames.settingsAck();
    this.#streams.onPeerSettings(peer.initialWindowBytes - before);
  }

  #onSettingsAck(): void {
    if (this.#ackDeadline === undefined) return spend(this.#parts.budget);
    this.#options.deadlines.handshake.remove(this.#ackDeadline);
    this.#ackDeadline = undefined;
    this.#streams.onSettingsKnown();
  }

  #onPing(frame: Frame): void {
    if ((frame.flags & FLAG.ack) !== 0 && this.#pings.onAck(frame)) return;
    spend(this.#parts.budget);
    if ((frame.flags & FLAG.ack) !== 0) return;
    this.#output.frames.ping(frame.bytes, frame.start, FLAG.ack);
  }

  /** The peer opens no more streams, and takes none of this side above the one that it names. */
  #onGoaway({ bytes, start }: Frame): void {
    spend(this.#parts.budget);
    this.#streams.onGoaway(readUint31(bytes, start));
    this.#refuseNew();
  }

  /** Credit is given for what was or will be received; more of it is of no use. None at all is a fault of its own. */
  #countCredit({ bytes, start }: Frame): void {
    if (readUint31(bytes, start) === 0) return;
    const frames = this.#streams.peerStreams + this.#output.frames.dataFrames;
    const allowed = CREDITS_PER_FRAME * frames;
    if (this.#credits < allowed) this.#credits += 1;
    else spend(this.#parts.budget);
  }

  #onWindowUpdate(frame: Frame): void {
    const bytes = readUint31(frame.bytes, frame.start);
    if (bytes === 0) throw protocolFault("WINDOW_UPDATE of 0");
    if (this.#parts.sending.widen(bytes)) return;
    throw new ConnectionFault(ERROR_CODE.flowControlError, "a window that is too large");
  }

  /** Who does not even answer a PING will not close either, unless there is much that it has to take before. */
  #onUnanswered(): void {
    this.#isDeaf = this.#streams.size === 0;
    this.#refuseNew();
  }

  /** Of streams that come later the peer knows that nobody has looked at them. */
  #refuseNew(): void {
    if (this.#isOver || this.#isDraining) return;
    this.#isDraining = true;
    this.#options.deadlines.farewell.remove(this.#farewell);
    if (this.#streams.size === 0) return this.#end(ERROR_CODE.noError, "");
    this.#streams.refuseNew();
    if (!this.#streams.isPeerOpening) return;
    this.#output.frames.goaway(this.#streams.lastPeerId, ERROR_CODE.noError, "");
    this.#output.schedule();
    this.#streams.letGo();
  }

  #onEmpty(): void {
    if (this.#isDraining && !this.#isOver) this.#close();
  }

  #onCongested(): void {
    this.#congestion = this.#options.deadlines.stall.add(() => this.destroy());
  }

  #fail(error: unknown): void {
    if (error instanceof ConnectionFault) return this.#end(error.code, error.message);
    this.#options.onFault(error);
    this.#end(ERROR_CODE.internalError, "");
  }

  /** Says why, and closes. */
  #end(code: number, text: string): void {
    if (this.#isOver) return;
    this.#output.frames.goaway(this.#streams.lastPeerId, code, text);
    this.#close(code === ERROR_CODE.noError ? ERROR_CODE.cancel : code, text);
  }

  /**
   * Closes. What the peer still sends is read away until it closes too: a socket that is closed with unread bytes in it
   * may take the goodbye with it.
   *
   * @param code why the streams end that are still open
   * @param text the same in words
   */
  #close(code: number = ERROR_CODE.cancel, text = ""): void {
    this.#isOver = true;
    this.#release();
    this.#output.end();
    const { stall, farewell } = this.#options.deadlines;
    const isLost = this.#isDeaf && !this.#output.isBehind;
    this.#linger = (isLost ? farewell : stall).add(() => this.destroy());
    this.#streams.closeAll(code, text);
  }

  #release(): void {
    const { handshake, stall, farewell } = this.#options.deadlines;
    handshake.remove(this.#ackDeadline);
    farewell.remove(this.#farewell);
    stall.remove(this.#congestion);
    this.#parts.sending.clear();
  }
}

function protocolFault(text: string): ConnectionFault {
  return new ConnectionFault(ERROR_CODE.protocolError, text);
}
