// SPDX-License-Identifier: Apache-2.0

/** Requests started in one turn of the event loop: a few milliseconds of work. */
const PER_TURN = 16;

const FORGET_EVERY = 1_024;

/** Something that waits for its turn. */
export interface Entrant {
  /** Whether nobody wants it any more; then it is passed over at no cost. */
  readonly isGone: boolean;
  /** Starts it. Must not throw. */
  start(): void;
}

/**
 * Spreads the start of requests over turns of the event loop, in their order. A connection brings hundreds
 * of requests at once, and a client that has gone can be seen only between turns: started together, all
 * their work would be done for nobody, and everybody else would wait for it. A lone request starts at once.
 */
export class Turnstile {
  #waiting: Entrant[] = [];
  #next = 0;
  #started = 0;
  #turn: ReturnType<typeof setImmediate> | undefined;

  /** Starts the entrant now, or in one of the next turns. */
  enter(entrant: Entrant): void {
    if (this.#started < PER_TURN && this.#next === this.#waiting.length) this.#start(entrant);
    else this.#waiting.push(entrant);
    this.#turn ??= setImmediate(() => this.#onTurn());
  }

  /** Drops all who wait. */
  clear(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    this.#waiting = [];
    this.#next = 0;
  }

  #onTurn(): void {
    this.#turn = undefined;
    this.#started = 0;
    while (this.#started < PER_TURN) {
      const entrant = this.#waiting[this.#next];
      if (entrant === undefined) break;
      this.#next += 1;
      if (!entrant.isGone) this.#start(entrant);
    }
    this.#forgetStarted();
    if (this.#started > 0) this.#turn ??= setImmediate(() => this.#onTurn());
  }

  /** Now and then, so that it costs little and an endless queue does not keep what it is done with. */
  #forgetStarted(): void {
    if (this.#next < this.#waiting.length && this.#next < FORGET_EVERY) return;
    this.#waiting.splice(0, this.#next);
    this.#next = 0;
  }

  #start(entrant: Entrant): void {
    this.#started += 1;
    entrant.start();
  }
}
