// SPDX-License-Identifier: Apache-2.0

import { Relay } from "./relay.ts";
import type { Direction } from "./relay.ts";

/** All that lies between one oracle and its engine. */
export interface Link extends AsyncDisposable {
  /** Where the oracle finds the engine: `host:port` of each member. */
  readonly endpoints: readonly string[];
  /** Lets nothing pass these ways. */
  cut(directions: readonly Direction[]): Promise<void>;
  /** Lets everything pass again. */
  mend(): Promise<void>;
}

/** A link in user space, which needs no rights: bytes are held back, where a network would lose packets. */
export class RelayLink implements Link {
  readonly #relays: readonly Relay[];

  private constructor(relays: readonly Relay[]) {
    this.#relays = relays;
  }

  /** Puts a relay in front of each member, on an address of this machine. */
  static async open(members: readonly string[], hostname = "127.0.0.1"): Promise<RelayLink> {
    return new RelayLink(await Promise.all(members.map((each) => Relay.start(each, hostname))));
  }

  get endpoints(): readonly string[] {
    return this.#relays.map(({ address }) => address);
  }

  cut(directions: readonly Direction[]): Promise<void> {
    for (const relay of this.#relays) relay.cut(directions);
    return Promise.resolve();
  }

  mend(): Promise<void> {
    return this.cut([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#relays.map((relay) => relay[Symbol.asyncDispose]()));
  }
}
