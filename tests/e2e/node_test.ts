// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { lastingAddress } from "../_support/lasting_port.ts";
import { ioTest, scaled } from "../_support/levels.ts";
import type { ServerProcessOptions } from "../_support/server_process.ts";
import { ServerProcess } from "../_support/server_process.ts";
import { GrpcJsClient, loadGrpcJs } from "./_support/grpc_js.ts";
import type { LifeCall } from "./_support/load.ts";
import { checkLives, Load } from "./_support/load.ts";
import { bundleForNode } from "./_support/node_program.ts";
import { ProcessWatch } from "./_support/process_watch.ts";

ioTest("serve on Node and serve on Deno, killed in turn, never repeat each other", async () => {
  const calls: LifeCall[] = [];
  await using node = await bundleForNode();
  const directory = await Deno.makeTempDir({ prefix: "tsoracle-" });
  const flags = ["--window-ahead", "30ms", "--failover-advance", "1ms"];
  try {
    for (let life = 0; life < scaled(4, 40); life++) {
      const runtime = life % 2 === 0 ? { program: node.program } : {};
      const listen = lastingAddress();
      await using server = await ServerProcess.start({ directory, listen, flags, ...runtime });
      await using load = new Load(server.address, life, calls);
      await load.more(30);
      await server.kill();
      await load.broken();
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  checkLives(calls);
});

ioTest("serve on Node answers grpc-js and every protocol, and keeps no connection", async () => {
  const grpc = await loadGrpcJs();
  await using node = await bundleForNode();
  await using server = await ServerProcess.start({ program: node.program });
  const watch = new ProcessWatch(server);
  {
    using client = new GrpcJsClient(grpc, server.address);
    assert.equal((await client.getTs(7)).count, 7);
    assert.ok((await client.getCurrentMaxSafe()).maxSafePhysicalMs > 0n);
  }
  await watch.unharmed();
  assert.equal((await server.stop()).code, 0);
});

ioTest("serve on either runtime is kept out of the directory of the other", async () => {
  await using node = await bundleForNode();
  const onNode = { program: node.program };
  const pairs: readonly (readonly [ServerProcessOptions, ServerProcessOptions])[] = [
    [{}, onNode],
    [onNode, {}],
  ];
  for (const [first, second] of pairs) {
    await using holder = await ServerProcess.start(first);
    const { directory } = holder;
    await assert.rejects(ServerProcess.start({ ...second, directory }), /ended with 1: .*lock/is);
    await holder.kill();
    await using heir = await ServerProcess.start({ ...second, directory });
    assert.notEqual(heir.port, 0);
  }
});
