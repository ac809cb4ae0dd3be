// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ioTest } from "../_support/levels.ts";
import { ServerProcess } from "../_support/server_process.ts";

const ROOT = join(import.meta.dirname ?? ".", "..", "..");

/** The code blocks of a language, in order. */
async function blocks(language: string): Promise<readonly string[]> {
  const text = await Deno.readTextFile(join(ROOT, "README.md"));
  return [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)]
    .filter(([, found]) => found === language)
    .map(([, , code]) => code ?? "");
}

/** Runs a line of the README in a shell. @returns what it printed */
async function shell(line: string): Promise<string> {
  const command = new Deno.Command("bash", {
    args: ["-c", line],
    cwd: ROOT,
    env: { PATH: `${join(Deno.execPath(), "..")}:${Deno.env.get("PATH")}`, NO_COLOR: "1" },
    stdin: "null",
  });
  const { success, stdout, stderr } = await command.output();
  assert.ok(success, `${line}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** A shape: what is left of a text when its numbers are all the same. */
function shapeOf(text: string): string {
  return text.trim().replace(/\d+/g, "0");
}

ioTest("the README's call with curl prints what the README shows", async () => {
  const call = (await blocks("sh")).find((block) => block.startsWith("curl ")) ?? "";
  const [shown = ""] = await blocks("text");
  assert.ok(call.includes("http://127.0.0.1:50551/"));
  await using server = await ServerProcess.start();
  const printed = await shell(call.replace("127.0.0.1:50551", server.address));
  assert.equal(shapeOf(printed), shapeOf(shown));
  assert.equal(JSON.parse(printed).count, 2);
});

ioTest("the README's tasks exist, and its test command is the one that .ci/run runs", async () => {
  const [start = ""] = await blocks("sh");
  const { tasks } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  const version = (await Deno.readTextFile(join(ROOT, ".ci", "deno-version"))).trim();
  assert.ok(start.includes(`npx -y deno@${version} task serve `));
  assert.ok(start.includes(`npx -y deno@${version} task test `));
  const text = await Deno.readTextFile(join(ROOT, "README.md"));
  for (const [, task = ""] of text.matchAll(/deno(?:@[\d.]+)? task ([\w:]+)/g)) {
    assert.ok(tasks[task], task);
  }
});

ioTest("the README's other commands run", async () => {
  const lines = (await blocks("sh")).join("").split("\n").map((line) => line.replace(/ +#.*/, ""));
  await using server = await ServerProcess.start();
  const get = lines.find((line) => line.includes("main.ts get"));
  const printed = await shell(`${get} --endpoint ${server.address}`);
  assert.match(printed, /^\d{18}\n\d{18}\n\d{18}\n$/);
  const seq = lines.find((line) => line.includes("main.ts seq"));
  assert.equal(await shell(`${seq} --endpoint ${server.address}`), "0\n");
  const status = lines.find((line) => line.includes("main.ts status"));
  assert.match(await shell(`${status} --endpoint ${server.address}`), /leader/);
  const bench = lines.find((line) => line.includes("main.ts bench"));
  const quick = "--duration 2s --warmup 0s --json";
  assert.ok(JSON.parse(await shell(`${bench} ${quick} --endpoint ${server.address}`)));
  const decode = lines.find((line) => line.includes("main.ts decode"));
  assert.match(await shell(decode ?? "false"), /physical_ms +1700000000000/);
  const help = lines.find((line) => line.endsWith("--help"));
  assert.match(await shell(help ?? "false"), /serve/);
});

ioTest("the README's program runs", async () => {
  const text = await Deno.readTextFile(join(ROOT, "README.md"));
  const [, code = ""] = /^```ts ignore\n(import \{ TsoClient \}[^]*?)^```$/m.exec(text) ?? [];
  await using server = await ServerProcess.start();
  const client = pathToFileURL(join(ROOT, "src", "client", "mod.ts")).href;
  const program = code.replace("@tsoracle/tsoracle/client", client)
    .replace("127.0.0.1:50551", server.address);
  const show =
    "console.log(many.length, String(ts) < String(many.first), block.start, lease.boundMs > 0);";
  const directory = await Deno.makeTempDir();
  try {
    const file = join(directory, "program.ts");
    await Deno.writeTextFile(file, `${program}\n${show}\n`);
    const printed = await shell(`deno run -A --config '${join(ROOT, "deno.json")}' '${file}'`);
    assert.equal(printed, "1000 true 0n true\n");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
