// SPDX-License-Identifier: Apache-2.0

import type { ServableOracle } from "../../../src/net/servable.ts";
import type { CallOptions } from "../../../src/server/call_options.ts";
import { ALWAYS_SERVING, UNSUPPORTED } from "../../rpc/_support/fake_source.ts";
import { until } from "./until.ts";

/** An oracle whose grants never come, and that remembers who waits for one. */
export class WaitingOracle implements ServableOracle {
  readonly isServing: ServableOracle["isServing"] = ALWAYS_SERVING.isServing;
  readonly state: ServableOracle["state"] = ALWAYS_SERVING.state;
  readonly watchState: ServableOracle["watchState"] = ALWAYS_SERVING.watchState;
  readonly finished: Promise<never> = new Promise<never>(() => {});
  readonly sequences: ServableOracle["sequences"] = UNSUPPORTED.sequences;
  readonly leases: ServableOracle["leases"] = UNSUPPORTED.leases;
  /** The signals of the calls that were made, in their order. */
  readonly signals: AbortSignal[] = [];
  readonly #heedsSignals: boolean;

  /** Makes an oracle that heeds the signals of its callers, or one that is deaf. */
  constructor(options: { readonly heedsSignals?: boolean } = {}) {
    this.#heedsSignals = options.heedsSignals ?? true;
  }

  getTs(_count: number, options: CallOptions = {}): Promise<never> {
    const { signal } = options;
    if (signal === undefined) throw new Error("a call came without a signal");
    this.signals.push(signal);
    return new Promise((_, reject) => {
      const leave = () => reject(signal.reason);
      if (this.#heedsSignals) signal.addEventListener("abort", leave, { once: true });
    });
  }

  currentMaxSafe(): { readonly physicalMs: number; readonly epoch: bigint } {
    return { physicalMs: 0, epoch: 0n };
  }

  /** Waits until so many calls were made. */
  untilCalls(count: number): Promise<void> {
    return until(`${count} calls`, () => this.signals.length >= count);
  }

  /** Waits until the caller of each call is known to have gone. */
  untilAllGone(): Promise<void> {
    return until("the end of all calls", () => this.signals.every((signal) => signal.aborted));
  }
}
