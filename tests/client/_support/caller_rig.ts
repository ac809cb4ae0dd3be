// SPDX-License-Identifier: Apache-2.0

import { LeaderCaller } from "../../../src/client/leader/leader_caller.ts";
import type { CallContext } from "../../../src/client/grants.ts";
import type { ClientCounterName } from "../../../src/client/metrics.ts";
import type { ClientOptions } from "../../../src/client/options.ts";
import { resolveClientOptions } from "../../../src/client/settings.ts";
import { ManualClock, settle } from "../../../src/testing/manual_clock.ts";
import { ScriptedServers } from "./scripted_servers.ts";

/** More promise reactions than any chain of hints needs. */
const QUIET_TURNS = 1_000;

/** A caller, the servers it knows, and the clock that it lives by. */
export class CallerRig {
  readonly servers = new ScriptedServers();
  readonly clock = new ManualClock();
  readonly counts = new Map<ClientCounterName, number>();
  readonly caller: LeaderCaller;

  /** Makes a caller whose rotation begins with the first endpoint, unless the options say otherwise. */
  constructor(endpoints: readonly string[], options: Partial<ClientOptions> = {}) {
    const metrics = {
      count: (name: ClientCounterName, by: number) =>
        void this.counts.set(name, (this.counts.get(name) ?? 0) + by),
      gauge: () => {},
    };
    const { clock } = this;
    const all = { endpoints, clock, metrics, random: () => 0, ...options };
    this.caller = new LeaderCaller(resolveClientOptions(all, this.servers.connect));
  }

  /** The limits of a call. */
  call(limits: Partial<CallContext> = {}): CallContext {
    return { signal: new AbortController().signal, timeoutMs: 10_000, ...limits };
  }

  /** Asks for timestamps, and lets time pass until there is an outcome. */
  getTs(count = 1, limits: Partial<CallContext> = {}) {
    return this.whileTimePasses(this.caller.getTs(count, this.call(limits)));
  }

  /** Lets time pass, from one wait to the next, until a promise settles. */
  async whileTimePasses<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = () => void (settled = true);
    promise.then(done, done);
    for (let steps = 0; steps < 10_000; steps++) {
      await settle(QUIET_TURNS);
      if (settled) return await promise;
      const { nextDueMs } = this.clock;
      if (nextDueMs !== undefined) await this.clock.advance(nextDueMs - this.clock.monotonicMs());
    }
    throw new Error("nothing came of it");
  }

  /** What a counter stands at. */
  counted(name: ClientCounterName): number {
    return this.counts.get(name) ?? 0;
  }
}
