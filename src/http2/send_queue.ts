// SPDX-License-Identifier: Apache-2.0

import type { Deadline, DeadlineQueue } from "./deadline_queue.ts";
import { ERROR_CODE } from "./error_code.ts";
import type { Output } from "./output.ts";
import { DEFAULT_WINDOW_BYTES, MAX_WINDOW_BYTES } from "./settings.ts";

/** A stream with a body to send. */
export interface Sender {
  /** What the peer takes on this stream, in bytes; below 0 if it has lowered its settings. */
  readonly sendWindowBytes: number;
  /** Whether some of the body was not sent yet. */
  readonly isWaiting: boolean;
  /** How many bytes the next part of the body has; 0 for one that only ends the stream. */
  readonly nextBytes: number;

  /** Writes one frame, of at most so many bytes, and returns how many it has. */
  sendSome(maxBytes: number): number;

  /** All was sent that had to wait. */
  onWritable(): void;

  /** Ends the stream. */
  reset(code: number): void;
}

/**
 * The bodies that wait for the peer: for the window of their stream, for that of the connection, or for the socket.
 * They take turns, a frame each. A peer that does not take one in time loses its stream, however much it takes of others:
 * they wait in the order in which they began to, so one deadline does for all, and finds each out within twice the time.
 */
export class SendQueue {
  #windowBytes = DEFAULT_WINDOW_BYTES;
  /** When each of them has waited for too long, on the monotonic clock. Nothing as long as there never was one. */
  #waiting: Map<Sender, number> | undefined;
  readonly #output: Output;
  readonly #stalls: DeadlineQueue;
  #stall: Deadline | undefined;

  /** Makes an empty queue, with the deadlines of bodies that are not taken. */
  constructor(output: Output, stalls: DeadlineQueue) {
    this.#output = output;
    this.#stalls = stalls;
  }

  /** Takes a stream whose body has just begun to wait; at best it goes out at once. */
  offer(sender: Sender): void {
    while (sender.isWaiting && this.#mayGo(sender)) this.#send(sender);
    if (!sender.isWaiting) return;
    this.#waiting ??= new Map();
    this.#waiting.set(sender, this.#stalls.nowMs() + this.#stalls.lengthMs);
    this.#watch();
  }

  /** Whether so many bytes may go out at once, before which nothing waits. */
  canSend(bytes: number): boolean {
    return this.#windowBytes >= bytes && !this.#isAnyWaiting && !this.#output.isCongested;
  }

  /** So many bytes were sent, for which `canSend` had been asked. */
  spend(bytes: number): void {
    this.#windowBytes -= bytes;
  }

  /** The peer takes more on the connection. False if that is more than a window can be. */
  widen(bytes: number): boolean {
    this.#windowBytes += bytes;
    if (this.#windowBytes > MAX_WINDOW_BYTES) return false;
    this.resume();
    return true;
  }

  /** Sends what can be sent of all bodies. */
  resume(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    for (let hasSent = waiting.size > 0; hasSent;) {
      hasSent = false;
      for (const sender of waiting.keys()) {
        if (!this.#mayGo(sender)) continue;
        hasSent = true;
        this.#sendWaiting(sender);
      }
    }
  }

  /** Sends what can be sent of one body: its window has grown. */
  resumeOne(sender: Sender): void {
    while (this.#waiting?.has(sender) && this.#mayGo(sender)) this.#sendWaiting(sender);
  }

  /** The stream is over. */
  drop(sender: Sender): void {
    this.#waiting?.delete(sender);
  }

  /** Forgets everything. */
  clear(): void {
    this.#waiting?.clear();
    this.#stalls.remove(this.#stall);
    this.#stall = undefined;
  }

  get #isAnyWaiting(): boolean {
    return this.#waiting !== undefined && this.#waiting.size > 0;
  }

  #mayGo(sender: Sender): boolean {
    if (this.#output.isCongested) return false;
    return sender.nextBytes === 0 || (this.#windowBytes > 0 && sender.sendWindowBytes > 0);
  }

  /** The end of a stream needs no window, and goes out where that is below 0. */
  #send(sender: Sender): void {
    const maxBytes = Math.max(0, Math.min(this.#windowBytes, sender.sendWindowBytes));
    this.#windowBytes -= sender.sendSome(maxBytes);
    this.#output.schedule();
  }

  #sendWaiting(sender: Sender): void {
    this.#send(sender);
    if (!sender.isWaiting && this.#waiting?.delete(sender)) sender.onWritable();
  }

  #watch(): void {
    this.#stall ??= this.#stalls.add(() => this.#onStall());
  }

  /** The one that has waited longest is the first. */
  #onStall(): void {
    this.#stall = undefined;
    const nowMs = this.#stalls.nowMs();
    for (const [sender, dueMs] of this.#waiting ?? []) {
      if (dueMs > nowMs) break;
      sender.reset(ERROR_CODE.cancel);
    }
    if (this.#isAnyWaiting) this.#watch();
  }
}
