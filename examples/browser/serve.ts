// SPDX-License-Identifier: Apache-2.0

/**
 * A page that asks an oracle for timestamps over gRPC-Web. Page and oracle have different origins, so the
 * oracle is told to answer that page. Without ports both take free ones.
 *
 *     deno run -A examples/browser/serve.ts [PAGE_PORT] [ORACLE_PORT]
 */

import { MemoryDriver, Oracle, serve } from "@tsoracle/tsoracle";
import { untilStopped } from "../_until_stopped.ts";

const [pagePort = "0", oraclePort = "0"] = Deno.args;
const folder = import.meta.dirname ?? ".";
const page = await Deno.readTextFile(`${folder}/index.html`);
const script = await bundle(`${folder}/page.js`);

await using web = Deno.serve({
  hostname: "127.0.0.1",
  port: Number(pagePort),
  onListen: () => {},
}, (request) => {
  const wanted = new URL(request.url).pathname;
  return wanted === "/page.js"
    ? new Response(script, { headers: { "content-type": "text/javascript" } })
    : new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
});
const origin = `http://127.0.0.1:${web.addr.port}`;

await using oracle = new Oracle({ driver: new MemoryDriver() });
await using server = await serve(oracle, { port: Number(oraclePort), corsOrigins: [origin] });
await oracle.untilServing();

console.log(`open ${origin}/?oracle=http://${server.address}`);
await untilStopped();

/** Makes one script of the page's code and all that it imports. */
async function bundle(entry: string): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", entry],
    stderr: "inherit",
  });
  const { success, stdout } = await command.output();
  if (!success) throw new Error(`Cannot bundle ${entry}`);
  return new TextDecoder().decode(stdout);
}
