// SPDX-License-Identifier: Apache-2.0

/**
 * An oracle inside a program of your own, on every protocol. The driver is the one for demos: it forgets
 * everything when the program ends. Without a port it takes a free one.
 *
 *     deno run -A examples/embed.ts [PORT]
 */

import { MemoryDriver, Oracle, serve } from "@tsoracle/tsoracle";
import { untilStopped } from "./_until_stopped.ts";

const port = Number(Deno.args[0] ?? 0);

await using oracle = new Oracle({ driver: new MemoryDriver() });
await using server = await serve(oracle, { port });
await oracle.untilServing();

console.log(`serving on ${server.address}`);
console.log(`try: curl -s -H 'content-type: application/json' -d '{"count":2}' \\
  http://${server.address}/tsoracle.v1.TsoService/GetTs`);
await untilStopped();
