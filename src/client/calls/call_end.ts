// SPDX-License-Identifier: Apache-2.0

/** Something under way that can be ended from outside. */
export interface Ending {
  /** Ends it with a reason. */
  abort(reason: unknown): void;
}

/**
 * The end of a call that may come before its answer does. A controller with a listener on its signal costs more than
 * all else that the client does for a call, and mostly the answer comes first: the signal is made when it is first asked
 * for, and one listener can do without it.
 */
export class CallEnd implements Ending {
  #controller: AbortController | undefined;
  #listener: Ending | undefined;
  #isOver = false;
  #reason: unknown;

  /** Fires at the end; has fired already if that has come. */
  get signal(): AbortSignal {
    this.#controller ??= this.#newController();
    return this.#controller.signal;
  }

  /** Has a listener told of the end, if that is still to come, instead of the one before. */
  listen(listener: Ending | undefined): void {
    this.#listener = listener;
  }

  /** The end, once. */
  abort(reason: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reason = reason;
    this.#listener?.abort(reason);
    this.#controller?.abort(reason);
  }

  #newController(): AbortController {
    const controller = new AbortController();
    if (this.#isOver) controller.abort(this.#reason);
    return controller;
  }
}
