// SPDX-License-Identifier: Apache-2.0

import type { Answer, Exchange } from "./exchange.ts";

/** `fetch`, held to HTTP/1.1. */
export class H1Client implements Disposable {
  readonly #origin: string;
  readonly #client: Deno.HttpClient;

  /** Makes a client of an origin such as `https://localhost:1`. */
  constructor(origin: string, tls?: { readonly caPem: string }) {
    this.#origin = origin;
    this.#client = Deno.createHttpClient({
      http1: true,
      http2: false,
      ...(tls === undefined ? {} : { caCerts: [tls.caPem] }),
    });
  }

  /** One call, start to end. */
  async call({ method, path, headers, body }: Exchange): Promise<Answer> {
    const response = await fetch(`${this.#origin}${path}`, {
      method,
      headers,
      body: body ?? null,
      client: this.#client,
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const { status } = response;
    return { status, headers: response.headers, trailers: new Headers(), body: bytes };
  }

  /** Closes the connections. */
  [Symbol.dispose](): void {
    this.#client.close();
  }
}
