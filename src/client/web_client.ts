// SPDX-License-Identifier: Apache-2.0

import { TsoClientError } from "./errors.ts";
import type { ClientOptions } from "./options.ts";
import { BaseTsoClient } from "./tso_client.ts";
import { connectGrpcWeb } from "./channels/web_channel.ts";

/**
 * A client that speaks gRPC-Web over `fetch`, for browsers and wherever else there is a `fetch`. What it can do
 * stands at {@linkcode BaseTsoClient}.
 */
export class TsoClient extends BaseTsoClient {
  /**
   * Makes a client that has no connection yet.
   *
   * @throws {TsoClientError} `invalid-argument` naming the option, the rule and the value; certificates
   *   cannot be chosen, because `fetch` takes none
   */
  constructor(options: ClientOptions) {
    if (typeof options.tls === "object" && options.connect === undefined) {
      throw new TsoClientError(
        "invalid-argument",
        "Cannot choose certificates for fetch: set 'tls' to true, and what the runtime trusts is trusted",
      );
    }
    super(options, connectGrpcWeb);
  }
}
