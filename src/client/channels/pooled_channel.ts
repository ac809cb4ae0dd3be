// SPDX-License-Identifier: Apache-2.0

import { createClient } from "@connectrpc/connect";
import type { Client, Transport } from "@connectrpc/connect";
import { TsoService } from "../../gen/tsoracle/v1/tso_pb.ts";
import type { Channel } from "./channel.ts";
import type { EndpointAddress } from "../leader/endpoint_address.ts";

/** The generated client of the service. */
export type TsoClientStub = Client<typeof TsoService>;

/**
 * A channel with the calls on it. One that is retired takes no new calls and closes when the last call on it
 * has ended, so that a call whose outcome matters is not cut off by another one's fault.
 */
export class PooledChannel {
  /** Where it leads. */
  readonly address: EndpointAddress;
  /** Makes calls. */
  readonly stub: TsoClientStub;
  readonly #channel: Channel;
  #calls = 0;
  #silentSinceMs: number | undefined;
  #retired = false;
  #closed = false;

  /** Wraps a channel that was opened. */
  constructor(address: EndpointAddress, channel: Channel) {
    this.address = address;
    this.#channel = channel;
    this.stub = createClient(TsoService, channel.transport as unknown as Transport);
  }

  /** Makes the connection, if the channel can do that by itself. */
  async dial(): Promise<void> {
    await this.#channel.dial?.();
  }

  /** A call begins. */
  enter(nowMs: number): void {
    this.#calls += 1;
    this.#silentSinceMs ??= nowMs;
  }

  /** Something was heard from the server. */
  hear(): void {
    this.#silentSinceMs = undefined;
  }

  /** How long calls have gone unanswered, in milliseconds; calls that were given up count. */
  silentMs(nowMs: number): number {
    return this.#silentSinceMs === undefined ? 0 : nowMs - this.#silentSinceMs;
  }

  /** A call has ended. */
  leave(): void {
    this.#calls -= 1;
    if (this.#retired && this.#calls === 0) this.close();
  }

  /** Closes it as soon as no call is on it. */
  retire(): void {
    this.#retired = true;
    if (this.#calls === 0) this.close();
  }

  /** Closes it now, once; calls on it fail. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#channel.close();
  }
}
