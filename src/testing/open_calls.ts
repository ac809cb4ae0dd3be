// SPDX-License-Identifier: Apache-2.0

import type { TimestampParts } from "../core/timestamp.ts";

/** A call that has begun. It is a link of a chain, so that calls can end in any order at no cost. */
export class OpenCall {
  /** The greatest timestamp that had been received when it began; absent if there was none. */
  readonly floor: TimestampParts | undefined;
  /** The calls in whose chain it is; absent once it has ended. */
  owner: OpenCalls | undefined;
  /** The one that began before it and is open. */
  earlier: OpenCall | undefined;
  /** The one that began after it and is open. */
  later: OpenCall | undefined;

  /** Made by {@linkcode OpenCalls}. */
  constructor(floor: TimestampParts | undefined, owner: OpenCalls) {
    this.floor = floor;
    this.owner = owner;
  }
}

/** The calls under way, in the order in which they began. */
export class OpenCalls {
  #oldest: OpenCall | undefined;
  #newest: OpenCall | undefined;
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** The one that began first; absent if there is none. Floors never sink, so it has the lowest. */
  get oldest(): OpenCall | undefined {
    return this.#oldest;
  }

  /** Begins a call. */
  begin(floor: TimestampParts | undefined): OpenCall {
    const call = new OpenCall(floor, this);
    call.earlier = this.#newest;
    if (this.#newest === undefined) this.#oldest = call;
    else this.#newest.later = call;
    this.#newest = call;
    this.#size++;
    return call;
  }

  /** Ends a call of this chain. */
  end(call: OpenCall): void {
    const { earlier, later } = call;
    if (earlier === undefined) this.#oldest = later;
    else earlier.later = later;
    if (later === undefined) this.#newest = earlier;
    else later.earlier = earlier;
    // A ticket that somebody keeps must not keep the chain.
    call.owner = call.earlier = call.later = undefined;
    this.#size--;
  }
}
