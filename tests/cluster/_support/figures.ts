// SPDX-License-Identifier: Apache-2.0

import type { Sample } from "../../../bench/failover/samples.ts";

/**
 * Adds a sample to the file that `TSORACLE_FIGURES` names, a line of JSON each; `bench/failover/main.ts` makes tables of
 * it. Without the variable nothing is kept.
 */
export async function keepSample(sample: Sample): Promise<void> {
  const path = Deno.env.get("TSORACLE_FIGURES");
  if (path === undefined) return;
  await Deno.writeTextFile(path, `${JSON.stringify(sample)}\n`, { append: true });
}
