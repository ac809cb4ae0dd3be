// SPDX-License-Identifier: Apache-2.0

import { connectGrpc } from "./channels/node/node_channel.ts";
import type { ClientOptions } from "./options.ts";
import { BaseTsoClient } from "./tso_client.ts";

/** A client that speaks gRPC over HTTP/2, for Deno and Node. */
export class TsoClient extends BaseTsoClient {
  /**
   * Makes a client that has no connection yet.
   *
   * @throws {TsoClientError} `invalid-argument` naming the option, the rule and the value
   */
  constructor(options: ClientOptions) {
    super(options, connectGrpc);
  }
}
