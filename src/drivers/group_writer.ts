// SPDX-License-Identifier: Apache-2.0

import { UnavailableError } from "../consensus/errors.ts";
import { onAbort } from "../core/abortable.ts";
import type { Clock } from "../core/clock.ts";
import { deferred } from "../core/deferred.ts";
import type { Deferred } from "../core/deferred.ts";

/** What a {@linkcode GroupWriter} does, for how long, and until when. */
export interface GroupWork<Request, Answer> {
  /** Makes ready for a write. Calls that arrive meanwhile belong to the group. */
  readonly prepare: () => Promise<unknown>;
  /**
   * Does the work of a group, in the order of its calls.
   *
   * @returns the outcome of each call; a rejection is the outcome of all
   */
  readonly write: (
    requests: readonly Request[],
  ) => Promise<readonly PromiseSettledResult<Answer>[]>;
  /** How long a call may take, in milliseconds. */
  readonly deadlineMs: number;
  /** Measures it. */
  readonly clock: Clock;
  /** What a call that took longer is told; `begun` tells whether its write was under way. */
  readonly late: (begun: boolean) => Error;
  /** Ends everything but the write that is under way, with its reason. */
  readonly ended: AbortSignal;
}

interface Call<Request, Answer> {
  readonly request: Request;
  readonly answer: Deferred<Answer>;
}

/**
 * Calls that share a write: those of one turn, and then all that arrive while a write is under way.
 *
 * Until its write begins a call can be given up, and then has done nothing. From then on the write alone
 * decides, and its outcome counts however late it comes: only the caller no longer hears of it.
 */
export class GroupWriter<Request, Answer> {
  readonly #work: GroupWork<Request, Answer>;
  readonly #waiting = new Set<Call<Request, Answer>>();
  #running: Promise<void> | undefined;

  /** Makes a writer that does nothing yet. */
  constructor(work: GroupWork<Request, Answer>) {
    this.#work = work;
    const { ended } = work;
    ended.addEventListener("abort", () => this.#refuse(ended.reason), { once: true });
  }

  /**
   * Adds a call to the next group.
   *
   * @param signal gives the call up, as long as its write has not begun
   * @throws {UnavailableError} if its write did not begin, for another reason than the signal
   */
  async submit(request: Request, signal: AbortSignal | undefined): Promise<Answer> {
    const { ended } = this.#work;
    if (ended.aborted) throw notBegun(ended.reason);
    signal?.throwIfAborted();
    const call = { request, answer: deferred<Answer>() };
    const stopListening = signal && onAbort(signal, () => this.#giveUp(call, signal.reason));
    const stopTimer = this.#whenLate(() => this.#expire(call));
    this.#waiting.add(call);
    this.#running ??= this.#run();
    try {
      return await call.answer.promise;
    } finally {
      stopTimer();
      stopListening?.();
    }
  }

  /** Waits for the write that is under way. It never rejects. */
  async idle(): Promise<void> {
    await this.#running;
  }

  #whenLate(run: () => void): () => void {
    const { clock, deadlineMs } = this.#work;
    const answered = new AbortController();
    void clock.delay(deadlineMs, { signal: answered.signal }).then(run, () => {});
    return () => answered.abort();
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) await this.#runGroup();
    this.#running = undefined;
  }

  async #runGroup(): Promise<void> {
    const { prepare, write } = this.#work;
    try {
      await prepare();
    } catch (error) {
      return this.#refuse(error);
    }
    const group = this.#begin();
    if (group.length === 0) return;
    try {
      const outcomes = await write(group.map(({ request }) => request));
      group.forEach(({ answer }, index) => settle(answer, outcomes[index]));
    } catch (error) {
      for (const { answer } of group) answer.reject(error);
    }
  }

  /** From here on nobody can leave. */
  #begin(): readonly Call<Request, Answer>[] {
    const group = [...this.#waiting];
    this.#waiting.clear();
    return group;
  }

  #refuse(reason: unknown): void {
    for (const { answer } of this.#begin()) answer.reject(notBegun(reason));
  }

  #giveUp(call: Call<Request, Answer>, reason: unknown): void {
    if (this.#waiting.delete(call)) call.answer.reject(reason);
  }

  #expire(call: Call<Request, Answer>): void {
    const waited = this.#waiting.delete(call);
    call.answer.reject(waited ? notBegun(this.#work.late(false)) : this.#work.late(true));
  }
}

/** A call whose write had not begun, and never will. */
export function notBegun(cause: unknown): UnavailableError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new UnavailableError(`${text}; this call wrote nothing`, { cause });
}

function settle<T>(answer: Deferred<T>, outcome: PromiseSettledResult<T> | undefined): void {
  if (outcome?.status === "fulfilled") answer.resolve(outcome.value);
  else answer.reject(outcome?.reason);
}
