// SPDX-License-Identifier: Apache-2.0

/**
 * Makes the tables of docs/performance.md from what the tests of tests/cluster measured:
 *
 *     TSORACLE_FIGURES=/tmp/figures.jsonl TSORACLE_TEST_LONG=1 deno test -A tests/cluster
 *     deno run --allow-read bench/failover/main.ts /tmp/figures.jsonl
 *
 * @module
 */

import { parseSamples } from "./samples.ts";
import { formatSamples } from "./tables.ts";

if (import.meta.main) {
  const [path] = Deno.args;
  if (path === undefined) throw new TypeError("Cannot make tables: name a file of samples");
  console.log(formatSamples(parseSamples(await Deno.readTextFile(path))));
}
