// SPDX-License-Identifier: Apache-2.0

import { MemoryDriver } from "../../../src/drivers/memory/mod.ts";
import type { Grant } from "../../../src/server/mod.ts";
import { Oracle } from "../../../src/server/mod.ts";

/** How an oracle answers that a test has spoilt: what the honest one would say, or something else. */
export type Lie = (honest: () => Promise<Grant>, call: LieCall) => Promise<Grant>;

/** The call to answer. */
export interface LieCall {
  /** Its number, from 0. */
  readonly index: number;
  /** Fires when the caller has gone. */
  readonly signal: AbortSignal | undefined;
}

/** An oracle on the memory driver that answers as a test says. */
export class LyingOracle extends Oracle {
  readonly #lie: Lie;
  #calls = 0;

  constructor(lie: Lie) {
    super({ driver: new MemoryDriver(), heartbeatIntervalMs: 0, shutdownGraceMs: 0 });
    this.#lie = lie;
  }

  override getTs(...[count, options]: Parameters<Oracle["getTs"]>): Promise<Grant> {
    const call = { index: this.#calls++, signal: options?.signal };
    return this.#lie(() => Promise.resolve(super.getTs(count, options)), call);
  }
}

/** Gives calls that are under way together the same grant. */
export function twins(): Lie {
  let shared: Promise<Grant> | undefined;
  return (honest) => {
    shared ??= new Promise((resolve) => {
      setTimeout(() => {
        shared = undefined;
        resolve(honest());
      }, 10);
    });
    return shared;
  };
}

/** Gives every second call the grant of the one before it. */
export function echoes(): Lie {
  let before: Promise<Grant> | undefined;
  return (honest) => {
    const answer = before ?? honest();
    before = before === undefined ? answer : undefined;
    return answer;
  };
}

/** Never answers from the `from`-th call on, counted from 0. */
export function silentFrom(from: number): Lie {
  return (honest, { index, signal }) =>
    index < from ? honest() : new Promise((_, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
}
