// SPDX-License-Identifier: Apache-2.0

import { readinessOf } from "../../rpc/readiness.ts";
import type { ReadinessSource } from "../../rpc/readiness.ts";

/**
 * Waits until a node is of use to a client, by the rule of `/readyz`: it grants, or it knows who does.
 *
 * @param signal ends the wait, by throwing its reason
 */
export async function untilUseful(oracle: ReadinessSource, signal: AbortSignal): Promise<void> {
  for await (const state of oracle.watchState({ signal })) {
    if (state.kind === "serving" || readinessOf(oracle, false).ready) return;
  }
}
