// SPDX-License-Identifier: Apache-2.0

import { serve } from "../../../src/net/mod.ts";
import type { Oracle } from "../../../src/server/mod.ts";

/** More than any load here opens, and those of the load before that are not closed yet. */
const CONNECTIONS = 2_048;

/**
 * The server of this package.
 *
 * @param edge name of the edge; absent or empty is the default one
 */
export async function serveByEdge(oracle: Oracle, edge?: string): Promise<number> {
  const named = edge ? { edge } : {};
  const options = { port: 0, limits: { connections: CONNECTIONS }, ...named };
  const { address } = await serve(oracle, options);
  return Number(new URL(`http://${address}`).port);
}
