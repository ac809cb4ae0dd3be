// SPDX-License-Identifier: Apache-2.0

import type { EndpointAddress } from "./endpoint_address.ts";

/** Options of {@linkcode Worklist}. */
export interface WorklistOptions {
  /** Goes first, if it is known. */
  readonly leader: EndpointAddress | undefined;
  /** Goes after the other endpoints of the user, if it is one of them: it led, and has failed. */
  readonly failed: EndpointAddress | undefined;
  /** The endpoints of the user, in the order of this pass. */
  readonly endpoints: readonly EndpointAddress[];
  /** Whether an endpoint is only asked when nothing else is left. */
  readonly avoids: (address: EndpointAddress) => boolean;
}

/** The endpoints of one pass of a call: none is visited twice (behaviour.md 6.5). */
export class Worklist {
  readonly #avoids: (address: EndpointAddress) => boolean;
  readonly #visited = new Set<string>();
  #waiting: EndpointAddress[];
  #lastResort: EndpointAddress[];

  /** Makes the list of a pass. */
  constructor(options: WorklistOptions) {
    const { leader, failed, endpoints, avoids } = options;
    const others = endpoints.filter(({ name }) => name !== leader?.name && name !== failed?.name);
    const last = endpoints.filter(({ name }) => name === failed?.name);
    const all = [...(leader === undefined ? [] : [leader]), ...others, ...last];
    this.#avoids = avoids;
    this.#waiting = all.filter((address) => !avoids(address));
    this.#lastResort = all.filter(avoids);
  }

  /** How many endpoints have not been visited. */
  get size(): number {
    return this.#waiting.length + this.#lastResort.length;
  }

  /** The endpoint to visit now; it counts as visited from here on. */
  next(): EndpointAddress | undefined {
    const address = this.#waiting.shift() ?? this.#lastResort.shift();
    if (address !== undefined) this.#visited.add(address.name);
    return address;
  }

  /** Whether an endpoint was visited in this pass. */
  hasVisited(address: EndpointAddress): boolean {
    return this.#visited.has(address.name);
  }

  /** Puts an endpoint that was not visited to the front; one that is avoided stays a last resort. */
  follow(address: EndpointAddress): void {
    const isOther = (other: EndpointAddress) => other.name !== address.name;
    this.#waiting = this.#waiting.filter(isOther);
    this.#lastResort = this.#lastResort.filter(isOther);
    if (this.#avoids(address)) this.#lastResort.unshift(address);
    else this.#waiting.unshift(address);
  }
}

/** Shares the load of first visits: each list begins one endpoint further, the first one anywhere. */
export class Rotation {
  readonly #endpoints: readonly EndpointAddress[];
  #cursor: number;

  /**
   * Makes a rotation.
   *
   * @param random a number of 0 to below 1
   */
  constructor(endpoints: readonly EndpointAddress[], random: number) {
    this.#endpoints = endpoints;
    this.#cursor = Math.floor(random * endpoints.length);
  }

  /** The endpoints in the order of the next list. */
  next(): readonly EndpointAddress[] {
    const start = this.#cursor % this.#endpoints.length;
    this.#cursor = start + 1;
    return [...this.#endpoints.slice(start), ...this.#endpoints.slice(0, start)];
  }

  /** Takes the turn of a list that nobody needs. */
  skip(): void {
    this.#cursor = this.#cursor % this.#endpoints.length + 1;
  }
}
