// SPDX-License-Identifier: Apache-2.0

/**
 * The oracle as one more service of a Connect server that you have already, behind its interceptors. Without a
 * port it takes a free one.
 *
 *     deno run -A examples/mount_in_connect.ts [PORT]
 */

import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { MemoryDriver, Oracle, routes } from "@tsoracle/tsoracle";
import { untilStopped } from "./_until_stopped.ts";

let calls = 0;

await using oracle = new Oracle({ driver: new MemoryDriver() });
const mountOracle = routes(oracle);
const handler = connectNodeAdapter({
  routes(router) {
    mountOracle(router);
    // router.service(YourService, yourImplementation);
  },
  interceptors: [(next) => async (request) => {
    calls += 1;
    return await next(request);
  }],
});

const server = createServer(handler);
await new Promise<void>((resolve) =>
  server.listen(Number(Deno.args[0] ?? 0), "127.0.0.1", resolve)
);
await oracle.untilServing();
console.log(`serving on 127.0.0.1:${(server.address() as AddressInfo).port}`);

await untilStopped();
console.log(`${calls} calls`);
await new Promise((resolve) => server.close(resolve));
