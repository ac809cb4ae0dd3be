// SPDX-License-Identifier: Apache-2.0

/**
 * A durable oracle without a network: this program alone takes timestamps from it. Run it twice, or kill it
 * in between: the numbers only grow. A directory has one owner at a time: stop the server of this one first,
 * or name another.
 *
 *     deno run -A examples/embed_file.ts [DIRECTORY]
 */

import { FileDriver, Oracle, packTimestamp } from "@tsoracle/tsoracle";

const directory = Deno.args[0] ?? "./tsoracle-data";

await using driver = await FileDriver.open({ directory });
await using oracle = new Oracle({ driver });
await oracle.untilServing();

const { physicalMs, logicalStart, count } = await oracle.getTs(3);
for (let logical = logicalStart; logical < logicalStart + count; logical++) {
  console.log(`${packTimestamp(physicalMs, logical)}`);
}
