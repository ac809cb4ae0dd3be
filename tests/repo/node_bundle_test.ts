// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { join } from "node:path";
import { ioTest } from "../_support/levels.ts";
import { ServerProcess } from "../_support/server_process.ts";
import { VERSION } from "../../src/version.ts";

const ROOT = join(import.meta.dirname ?? ".", "..", "..");

async function run(program: string, ...args: readonly string[]): Promise<string> {
  const command = new Deno.Command(program, { args: [...args], cwd: ROOT, stdin: "null" });
  const { success, stdout, stderr } = await command.output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

ioTest("the file that bundle:node makes serves on Node, with nothing beside it", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  const [program, ...words] = tasks["bundle:node"].command.split(" ");
  assert.equal(program, "deno");
  const folder = await Deno.makeTempDir({ prefix: "tsoracle-" });
  try {
    const file = join(folder, "tsoracle.mjs");
    const args = words.map((word: string) => word === "dist/tsoracle.mjs" ? file : word);
    await run(Deno.execPath(), ...args);
    assert.equal(await run("node", file, "version"), `tsoracle ${VERSION}\n`);
    await using server = await ServerProcess.start({ program: ["node", file] });
    const printed = await run("node", file, "get", "--endpoint", server.address);
    assert.match(printed, /^\d{18}\n$/);
    assert.equal((await server.stop()).code, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
