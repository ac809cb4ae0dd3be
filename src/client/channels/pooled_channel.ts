// SPDX-License-Identifier: Apache-2.0

import { createClient } from "@connectrpc/connect";
import type { Client, Transport } from "@connectrpc/connect";
import { TsoService } from "../../gen/tsoracle/v1/tso_pb.ts";
import type { Channel } from "./channel.ts";
import { directOf } from "./direct_calls.ts";
import type { DirectTransport } from "./direct_calls.ts";
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
  /** Makes calls of a leaner kind, where the transport can. */
  readonly direct: DirectTransport | undefined;
  readonly #channel: Channel;
  #calls = 0;
  /** How long calls had waited unanswered before the ones under way, in milliseconds. */
  #silentBeforeMs = 0;
  #silentSinceMs: number | undefined;
  #retired = false;
  #closed = false;

  /** Wraps a channel that was opened. */
  constructor(address: EndpointAddress, channel: Channel) {
    this.address = address;
    this.#channel = channel;
    this.direct = directOf(channel.transport);
    this.stub = createClient(TsoService, channel.transport as unknown as Transport);
  }

  /** Whether it sends a request at most once. */
  get sendsOnce(): boolean {
    return this.#channel.sendsOnce === true;
  }

  /** Makes the connection, if the channel can do that by itself. */
  async dial(signal: AbortSignal): Promise<void> {
    await this.#channel.dial?.(signal);
  }

  /** A call begins. */
  enter(nowMs: number): void {
    this.#calls += 1;
    this.#silentSinceMs ??= nowMs;
  }

  /** Something was heard from the server. */
  hear(nowMs: number): void {
    this.#silentBeforeMs = 0;
    this.#silentSinceMs = this.#calls === 0 ? undefined : nowMs;
  }

  /**
   * How long calls have waited without anything heard, in milliseconds. Those that were given up count, so that
   * a server that never answers is found out even if no caller waits for long; the time between calls does not.
   */
  silentMs(nowMs: number): number {
    const sinceMs = this.#silentSinceMs ?? nowMs;
    return this.#silentBeforeMs + nowMs - sinceMs;
  }

  /** A call has ended. */
  leave(nowMs: number): void {
    this.#calls -= 1;
    if (this.#calls > 0) return;
    this.#silentBeforeMs = this.silentMs(nowMs);
    this.#silentSinceMs = undefined;
    if (this.#retired) this.close();
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
