// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { MemoryDriver } from "../../src/drivers/memory/mod.ts";
import { serve } from "../../src/net/mod.ts";
import { Oracle } from "../../src/server/mod.ts";
import { lastingAddress } from "../_support/lasting_port.ts";
import { ioTest } from "../_support/levels.ts";
import { serveLocally } from "./_support/local_server.ts";
import { runCli, startCli } from "./_support/run_cli.ts";

ioTest("tsoracle status shows leader, follower and who cannot be reached", async () => {
  await using leader = await serveLocally();
  await using oracle = new Oracle({ driver: new MemoryDriver({ initial: { kind: "unknown" } }) });
  await using follower = await serve(oracle, { port: 0 });
  const dead = lastingAddress();
  const endpoints = [leader.address, follower.address, dead];
  const args = ["status", ...endpoints.flatMap((endpoint) => ["--endpoint", endpoint])];
  const { code, stdout, stderr } = await runCli(args);
  assert.deepEqual([code, stderr], [0, ""]);
  const [first = "", second = "", third = ""] = stdout.split("\n");
  assert.match(first, /^\S+ +leader +epoch 0, safe up to 20\S+Z, frontier 20\S+Z, answered/);
  assert.ok(first.startsWith(leader.address));
  assert.ok(second.startsWith(`${follower.address}  follower`));
  assert.ok(third.startsWith(`${dead}  unreachable`));
  assert.match(third, /tsoracle serve/);
  const json = JSON.parse((await runCli([...args, "--json"])).stdout);
  assert.deepEqual(
    json.nodes.map(({ endpoint, state }: Record<string, unknown>) => [endpoint, state]),
    [[leader.address, "leader"], [follower.address, "follower"], [dead, "unreachable"]],
  );
});

ioTest("tsoracle status ends with 1 if nobody leads", async () => {
  await using oracle = new Oracle({ driver: new MemoryDriver({ initial: { kind: "unknown" } }) });
  await using follower = await serve(oracle, { port: 0 });
  const { code, stdout } = await runCli(["status", "--endpoint", follower.address]);
  assert.equal(code, 1);
  assert.match(stdout, /follower/);
});

ioTest("tsoracle status shows the bound of a lease as the frontier", async () => {
  await using server = await serveLocally();
  const args = ["--endpoint", server.address];
  const holder = startCli(["lease", "hold", "group-a", "--ttl", "1m", "--json", ...args]);
  await holder.until(/\n/);
  const { boundMs } = JSON.parse(holder.stdout());
  const { stdout } = await runCli(["status", ...args]);
  assert.ok(stdout.includes(`, frontier ${new Date(boundMs).toISOString()}, `), stdout);
  assert.doesNotMatch(stdout, /leases/);
  holder.signal("SIGTERM");
  await holder.result;
});

ioTest("tsoracle status and get say that a web server is not tsoracle", async (t) => {
  const page = () => new Response("<h1>?</h1>", { headers: { "content-type": "text/html" } });
  const gone = () => new Response("?", { status: 404 });
  for (const [name, answer] of [["a page", page], ["404", gone]] as const) {
    await t.step(name, async () => {
      const listen = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
      await using web = Deno.serve(listen, answer);
      const endpoint = ["--endpoint", `127.0.0.1:${web.addr.port}`, "--timeout", "10s"];
      for (const command of ["status", "get"]) {
        const { code, stdout, stderr } = await runCli([command, ...endpoint]);
        assert.equal(code, 1);
        assert.match(
          stdout + stderr,
          /what answers there is not tsoracle \(.+\); check --endpoint\n$/,
        );
      }
    });
  }
});

ioTest("tsoracle status says that a server without HTTP/2 is not tsoracle", async () => {
  const web = createHttpServer((_, response) => response.end("?"));
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  const { port } = web.address() as AddressInfo;
  const args = ["status", "--endpoint", `127.0.0.1:${port}`, "--timeout", "10s"];
  const { code, stdout } = await runCli(args);
  assert.equal(code, 1);
  assert.match(stdout, /is not tsoracle.*check --endpoint; if the server speaks TLS, use --tls/);
  await new Promise((resolve) => web.close(resolve));
});
