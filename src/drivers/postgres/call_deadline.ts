// SPDX-License-Identifier: Apache-2.0

import { UnavailableError } from "../../consensus/errors.ts";
import { orAborted } from "../../core/abortable.ts";
import type { Clock } from "../../core/clock.ts";

/** The moment by which a call must have settled. */
export class CallDeadline {
  readonly #late = new AbortController();
  readonly #ended = new AbortController();

  /** Begins to run. {@linkcode CallDeadline.end} must be called once the call has settled. */
  constructor(clock: Clock, timeoutMs: number) {
    const ended = this.#ended.signal;
    const reason = () => new UnavailableError(`PostgreSQL was not ready within ${timeoutMs} ms`);
    const wait = clock.delay(timeoutMs, { signal: ended }).then(() => this.#late.abort(reason()));
    orAborted(wait, ended).catch((error: unknown) => this.#late.abort(error));
  }

  /** Fires when the time is over. Its reason is right for a call that has sent nothing. */
  get late(): AbortSignal {
    return this.#late.signal;
  }

  /** Stops the timer. */
  end(): void {
    this.#ended.abort();
  }
}
