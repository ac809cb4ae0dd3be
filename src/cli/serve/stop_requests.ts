// SPDX-License-Identifier: Apache-2.0

import { deferred } from "../../core/deferred.ts";
import type { SignalSource, StopSignal } from "../context.ts";

/** Requests to stop, in order: the first is polite, the second is not. */
export interface StopRequests {
  /** Resolves at the first signal. */
  readonly first: Promise<StopSignal>;
  /** Resolves at the second signal. */
  readonly second: Promise<StopSignal>;
  /** Gives the signals back to the process. */
  unsubscribe(): void;
}

/** Starts to listen for signals. */
export function listenForStop(signals: SignalSource): StopRequests {
  const first = deferred<StopSignal>();
  const second = deferred<StopSignal>();
  let seen = 0;
  const unsubscribe = signals.subscribe((signal) => {
    seen += 1;
    (seen === 1 ? first : second).resolve(signal);
  });
  return { first: first.promise, second: second.promise, unsubscribe };
}
