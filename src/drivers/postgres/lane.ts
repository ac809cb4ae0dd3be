// SPDX-License-Identifier: Apache-2.0

import { TransientError } from "../../consensus/errors.ts";
import { abortable } from "../../core/abortable.ts";
import type { Clock } from "../../core/clock.ts";
import type { StoreCallOptions } from "../cluster/store.ts";
import { CallDeadline } from "./call_deadline.ts";
import type { Connector } from "./connector.ts";
import type { Session } from "./session.ts";

/**
 * Calls of one kind, one after the other, on a session of their own that is opened when it is needed. A server
 * that does not answer in time costs the session, never the deadline.
 */
export class Lane {
  readonly #connector: Connector;
  readonly #clock: Clock;
  #session: Session | undefined;
  #earlier: Promise<void> = Promise.resolve();

  /** Opens nothing yet. */
  constructor(connector: Connector, clock: Clock) {
    this.#connector = connector;
    this.#clock = clock;
  }

  /**
   * Does something with the session, once earlier calls have settled.
   *
   * @throws {UnavailableError} if nothing was sent by the deadline; nothing will be
   * @throws {TransientError} if the answer did not come by the deadline
   */
  run<T>(work: (session: Session) => Promise<T>, options: StoreCallOptions): Promise<T> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const earlier = this.#earlier;
    const call = this.#perform(earlier, work, options);
    // A call that gave up waiting must not let the next one pass those that it waited for.
    this.#earlier = Promise.allSettled([earlier, call]).then(() => {});
    return signal === undefined ? call : abortable(call, signal);
  }

  async #perform<T>(
    earlier: Promise<void>,
    work: (session: Session) => Promise<T>,
    { timeoutMs, signal }: StoreCallOptions,
  ): Promise<T> {
    const deadline = new CallDeadline(this.#clock, timeoutMs);
    const { late } = deadline;
    try {
      await abortable(earlier, late);
      signal?.throwIfAborted();
      const session = await this.#open(late, timeoutMs);
      signal?.throwIfAborted();
      return await this.#answer(session, work(session), { late, timeoutMs });
    } finally {
      deadline.end();
    }
  }

  /**
   * Opens the session if there is none, and finds out whether one that was idle is still there, so that the next call need
   * not. It never rejects: the next call meets what stands in the way.
   */
  async keepReady(options: StoreCallOptions): Promise<void> {
    await this.run((session) => session.query("select"), options).catch(() => {});
  }

  /** Waits until every call has settled. */
  async settled(): Promise<void> {
    await this.#earlier;
  }

  async #open(late: AbortSignal, timeoutMs: number): Promise<Session> {
    if (this.#session?.isOpen) return this.#session;
    this.#session = undefined;
    // Who waits for a row longer than the first call may take has been given up: the server need not keep it.
    const session = await this.#connector.open({ signals: [late], lockTimeoutMs: timeoutMs });
    this.#session = session;
    return session;
  }

  async #answer<T>(
    session: Session,
    work: Promise<T>,
    { late, timeoutMs }: { readonly late: AbortSignal; readonly timeoutMs: number },
  ): Promise<T> {
    try {
      return await abortable(work, late);
    } catch (error) {
      if (!late.aborted) throw error;
      this.#connector.suspect(session);
      session.destroy();
      throw new TransientError(`PostgreSQL did not answer within ${timeoutMs} ms`);
    }
  }
}
