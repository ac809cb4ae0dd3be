// SPDX-License-Identifier: Apache-2.0

import type { ConnectChannel } from "./channel.ts";
import type { EndpointAddress } from "../leader/endpoint_address.ts";
import { PooledChannel } from "./pooled_channel.ts";

/** Most channels to endpoints that only hints have named (behaviour.md 6.9). */
export const MAX_HINT_CHANNELS = 8;

/** One channel for each endpoint, opened when it is first used. */
export class ChannelPool {
  readonly #connect: ConnectChannel;
  /** By name of the endpoint, the one used last at the end. */
  readonly #channels = new Map<string, PooledChannel>();
  /** The one at the end, if it is known. */
  #newest: PooledChannel | undefined;

  /** Makes an empty pool. */
  constructor(connect: ConnectChannel) {
    this.#connect = connect;
  }

  /** The channel to an endpoint, if there is one and nothing else was used since. */
  find({ name }: EndpointAddress): PooledChannel | undefined {
    return this.#newest?.address.name === name ? this.#newest : undefined;
  }

  /** The channel to an endpoint. Whatever opening it throws is passed on, and nothing is kept. */
  take(address: EndpointAddress): PooledChannel {
    const { name } = address;
    const channel = this.#channels.get(name) ??
      new PooledChannel(address, this.#connect({ origin: address.origin, tls: address.tls }));
    this.#channels.delete(name);
    this.#channels.set(name, channel);
    this.#newest = channel;
    this.#dropOldHints();
    return channel;
  }

  /**
   * Drops a channel that failed, so that the next call opens a new one and looks the name up again. A
   * newer channel to the same endpoint stays (behaviour.md 6.9).
   */
  evict(channel: PooledChannel): void {
    const { name } = channel.address;
    if (this.#channels.get(name) === channel) this.#channels.delete(name);
    if (this.#newest === channel) this.#newest = undefined;
    channel.retire();
  }

  /** Closes all channels at once. */
  close(): void {
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
    this.#newest = undefined;
  }

  /** The channel just taken is the last of the order, and therefore never the one to go. */
  #dropOldHints(): void {
    const hinted = [...this.#channels.values()].filter(({ address }) => !address.configured);
    for (const oldest of hinted.slice(0, Math.max(0, hinted.length - MAX_HINT_CHANNELS))) {
      this.evict(oldest);
    }
  }
}
