// SPDX-License-Identifier: Apache-2.0

import { connectGrpc } from "./channels/node/node_channel.ts";
import type { ClientOptions } from "./options.ts";
import { BaseTsoClient } from "./tso_client.ts";

/**
 * A client that speaks gRPC over HTTP/2, for Deno and Node. What it can do stands at {@linkcode BaseTsoClient}.
 *
 * @example
 * ```ts
 * import { TsoClient } from "@tsoracle/tsoracle/client";
 * import { MemoryDriver, Oracle, serve } from "@tsoracle/tsoracle";
 *
 * await using oracle = new Oracle({ driver: new MemoryDriver() });
 * await using server = await serve(oracle, { port: 0 });
 * await using client = new TsoClient({ endpoints: [server.address] });
 * const timestamp = (await client.getTs()).toBigInt();
 * ```
 */
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
