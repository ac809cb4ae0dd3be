// SPDX-License-Identifier: Apache-2.0

import { createServer } from "node:http2";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { routes } from "../../../src/rpc/service.ts";
import type { Oracle } from "../../../src/server/mod.ts";
import { listenOnLoopback } from "./listen.ts";

/** The service behind Connect's own adapter on `node:http2`, as its documentation shows it. */
export function serveByAdapter(oracle: Oracle): Promise<number> {
  return listenOnLoopback(createServer(connectNodeAdapter({ routes: routes(oracle) })));
}
