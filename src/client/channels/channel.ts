// SPDX-License-Identifier: Apache-2.0

/** The shape of a Connect transport; a `Transport` of `@connectrpc/connect` is one. */
export interface ConnectTransport {
  /** Makes a call with one request and one response. */
  readonly unary: (...call: never[]) => Promise<unknown>;
  /** Makes a call with streams. The client has none. */
  readonly stream: (...call: never[]) => Promise<unknown>;
}

/** Certificates of a client, PEM. Not for browsers. */
export interface ClientTlsOptions {
  /** The authorities to trust instead of the system's. */
  readonly ca?: string;
  /** The client's own certificate, for servers that ask for one. Needs `key`. */
  readonly cert?: string;
  /** The key of `cert`. */
  readonly key?: string;
}

/** Where a channel leads. */
export interface ChannelTarget {
  /** The origin of its URLs, such as `https://10.0.0.7:50551`. */
  readonly origin: string;
  /** The certificates to use; absent for plaintext and for what the runtime trusts. */
  readonly tls: ClientTlsOptions | undefined;
}

/** A connection to one server, or the promise of one: it is dialled when it is first used. */
export interface Channel {
  /** Carries the calls. */
  readonly transport: ConnectTransport;
  /**
   * Makes the connection, unless there is one. With this a request whose outcome matters is known not to have
   * been sent if there is no connection; a channel without it leaves such a request in doubt more often.
   *
   * @param signal fires when nobody waits for it any more
   */
  dial?(signal: AbortSignal): Promise<void>;
  /**
   * Whether the transport sends a request at most once, so that an error of connecting means that it was not
   * sent. Where a retry is possible, as with `fetch`, such an error tells nothing of the first time, and a
   * request for ordinals stays in doubt.
   *
   * @default {false}
   */
  readonly sendsOnce?: boolean;
  /** Ends the connection; calls under way fail. */
  close(): void;
}

/**
 * Opens a channel without waiting. Its transport must not repeat a request by itself: for ordinals the block of a
 * request whose answer was lost would be spent, and nobody told. The client repeats what may be repeated.
 */
export type ConnectChannel = (target: ChannelTarget) => Channel;
