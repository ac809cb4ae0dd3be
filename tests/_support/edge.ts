// SPDX-License-Identifier: Apache-2.0

import { DEFAULT_EDGE, EDGE_NAMES } from "../../src/net/edge.ts";
import type { EdgeName } from "../../src/net/edge.ts";
import { HAS_PERMISSIONS } from "./levels.ts";

/**
 * The edge of the servers that a test starts in its own process: `TSORACLE_EDGE`, which servers in processes of their own
 * read for themselves, or else the default.
 */
export const EDGE: EdgeName = edgeOfRun();

function edgeOfRun(): EdgeName {
  const asked = HAS_PERMISSIONS ? Deno.env.get("TSORACLE_EDGE") ?? DEFAULT_EDGE : DEFAULT_EDGE;
  const edge = EDGE_NAMES.find((name) => name === asked);
  if (edge === undefined) throw new Error(`TSORACLE_EDGE must be one of ${EDGE_NAMES.join(", ")}`);
  return edge;
}
