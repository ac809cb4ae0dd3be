// SPDX-License-Identifier: Apache-2.0

import { TransientError } from "../../consensus/errors.ts";
import { onAbort } from "../../core/abortable.ts";
import type { Clock } from "../../core/clock.ts";

/** What a {@linkcode Deadline} ends for. */
export interface DeadlineOptions {
  /** How long the call may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Fires when nobody wants the result any more. */
  readonly signal?: AbortSignal | undefined;
  /** Fires when the driver has ended. */
  readonly ended: AbortSignal;
  /** Where time comes from. */
  readonly clock: Clock;
}

/** Reason of signals that fire when all is done, and that nobody listens to. */
const DONE = new Error("the call is over");

/** What may end one call: its time is up, nobody wants it, or the driver has ended. */
export class Deadline {
  readonly #options: DeadlineOptions;
  readonly #endsMs: number;
  readonly #over = new AbortController();
  readonly #timer = new AbortController();
  readonly #release: (() => void)[] = [];
  #hasPassed = false;

  /** Begins now. */
  constructor(options: DeadlineOptions) {
    this.#options = options;
    const { clock, ended, signal, timeoutMs } = options;
    this.#endsMs = clock.monotonicMs() + timeoutMs;
    for (const each of signal === undefined ? [ended] : [ended, signal]) this.#follow(each);
    clock.delay(timeoutMs, this.#timer).then(() => this.#pass(), () => {});
  }

  /** Fires when the call must end; its reason says why. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** How much time is left, in milliseconds. */
  get leftMs(): number {
    return Math.max(0, this.#endsMs - this.#options.clock.monotonicMs());
  }

  /** Whether time was up before anything else ended the call. */
  get hasPassed(): boolean {
    return this.#hasPassed;
  }

  /** Whether the caller, or the end of the driver, ended the call. */
  get isUnwanted(): boolean {
    return this.signal.aborted && !this.#hasPassed && this.signal.reason !== DONE;
  }

  /** From here on the call may take as long as it likes. */
  stopTimer(): void {
    this.#timer.abort(DONE);
  }

  /** The call is over: what is left of it ends. */
  end(): void {
    this.stopTimer();
    this.#release.forEach((release) => release());
    this.#over.abort(DONE);
  }

  #follow(signal: AbortSignal): void {
    if (signal.aborted) this.#over.abort(signal.reason);
    else this.#release.push(onAbort(signal, () => this.#over.abort(signal.reason)));
  }

  #pass(): void {
    if (this.signal.aborted) return;
    this.#hasPassed = true;
    this.#over.abort(new TransientError(`no answer within ${this.#options.timeoutMs} ms`));
  }
}
