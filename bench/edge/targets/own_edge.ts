// SPDX-License-Identifier: Apache-2.0

import type { EdgeName } from "../../../src/net/mod.ts";
import { serve } from "../../../src/net/mod.ts";
import type { Oracle } from "../../../src/server/mod.ts";

/** More than any load here opens, and those of the load before that are not closed yet. */
const CONNECTIONS = 2_048;

/** The server of this package, on one of its edges. */
export async function serveByEdge(oracle: Oracle, edge: EdgeName): Promise<number> {
  const { address } = await serve(oracle, { port: 0, edge, limits: { connections: CONNECTIONS } });
  return Number(new URL(`http://${address}`).port);
}
