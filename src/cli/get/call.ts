// SPDX-License-Identifier: Apache-2.0

import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { Agent as PlainAgent } from "node:http";
import { Agent as TlsAgent } from "node:https";
import type { GetTsResponse } from "../../gen/tsoracle/v1/tso_pb.ts";
import { TsoService } from "../../gen/tsoracle/v1/tso_pb.ts";
import { explainCallError } from "./explain.ts";
import type { Target } from "./target.ts";

/** Options of {@linkcode callGetTs}. */
export interface CallOptions {
  /** How many timestamps, 1 to 262144. */
  readonly count: number;
  /** When to give up, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Asks one server once, over the Connect protocol and HTTP/1.1, which every server and proxy speaks.
 *
 * @throws {CommandError} that says what to do
 */
export async function callGetTs(target: Target, options: CallOptions): Promise<GetTsResponse> {
  const { count, timeoutMs } = options;
  const agent = target.tls === undefined ? new PlainAgent() : new TlsAgent(target.tls);
  const transport = createConnectTransport({
    baseUrl: target.origin,
    httpVersion: "1.1",
    nodeOptions: { agent },
  });
  try {
    return await createClient(TsoService, transport).getTs({ count }, { timeoutMs });
  } catch (error) {
    throw explainCallError(target, error);
  } finally {
    agent.destroy();
  }
}
