// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { ETCD_MISSING, EtcdCluster } from "../../_support/engines/etcd_cluster.ts";
import { ioTestNeeding } from "../../_support/levels.ts";

const SCRIPT = fileURLToPath(new URL("../_children/etcd_child.ts", import.meta.url));

/** More than a window has room for. */
const WRITES = 100;

const LIMIT_MS = 60_000;

/** Runs a program to its end, which has to come by itself. @returns what it printed */
async function runToEnd(program: string, args: readonly string[]): Promise<string> {
  const command = new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  const { code, stdout, stderr } = await command.output();
  assert.deepEqual([code, new TextDecoder().decode(stderr)], [0, ""]);
  return new TextDecoder().decode(stdout);
}

/** How the child is run, given a directory for what it is bundled to. */
const RUNTIMES: Readonly<Record<string, (directory: string) => Promise<readonly string[]>>> = {
  Deno: () => Promise.resolve([Deno.execPath(), "run", "--quiet", "--no-check", "-A", SCRIPT]),
  Node: async (directory) => {
    const file = `${directory}/etcd_child.mjs`;
    await runToEnd(Deno.execPath(), ["bundle", "--quiet", "--output", file, SCRIPT]);
    return ["node", file];
  },
};

for (const [name, commandIn] of Object.entries(RUNTIMES)) {
  ioTestNeeding(
    ETCD_MISSING,
    `EtcdClient on ${name} writes and watches, and then does not keep the process alive`,
    async () => {
      await using cluster = await EtcdCluster.start();
      const directory = await Deno.makeTempDir({ prefix: "tsoracle-" });
      try {
        const [program = "", ...args] = await commandIn(directory);
        const url = cluster.endpoints[0] ?? "";
        const [seen, isWhole] = (await runToEnd(program, [...args, url, `${WRITES}`])).split(" ");
        assert.equal(seen?.split(",").length, WRITES);
        assert.equal(isWhole, "true\n");
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    },
  );
}
