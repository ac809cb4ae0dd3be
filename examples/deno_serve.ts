// SPDX-License-Identifier: Apache-2.0

/**
 * The oracle behind `Deno.serve`, or any other server that takes a function from `Request` to `Response`.
 * It speaks Connect, JSON and gRPC-Web; gRPC needs trailers, which a `Response` does not have. Without a
 * port it takes a free one.
 *
 *     deno run -A examples/deno_serve.ts [PORT]
 */

import { createFetchHandler, MemoryDriver, Oracle } from "@tsoracle/tsoracle";
import { untilStopped } from "./_until_stopped.ts";

await using oracle = new Oracle({ driver: new MemoryDriver() });
const answer = createFetchHandler(oracle);
await oracle.untilServing();

await using _server = Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.args[0] ?? 0),
  onListen: ({ hostname, port }) => console.log(`serving on ${hostname}:${port}`),
}, (request) => {
  const { pathname } = new URL(request.url);
  return pathname === "/" ? new Response("an oracle lives here\n") : answer(request);
});
await untilStopped();
