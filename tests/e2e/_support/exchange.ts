// SPDX-License-Identifier: Apache-2.0

/** A request as bytes. */
export interface Exchange {
  /** The HTTP method. */
  readonly method: string;
  /** The path with its query. */
  readonly path: string;
  /** The headers, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body; none if absent. */
  readonly body?: Uint8Array<ArrayBuffer>;
}

/** An answer as bytes. */
export interface Answer {
  /** The HTTP status. */
  readonly status: number;
  /** The headers in front of the body. */
  readonly headers: Headers;
  /** The headers behind the body; empty over HTTP/1.1. */
  readonly trailers: Headers;
  /** The body. */
  readonly body: Uint8Array;
}

/** Sends a request and brings the answer. */
export type Send = (exchange: Exchange) => Promise<Answer>;
