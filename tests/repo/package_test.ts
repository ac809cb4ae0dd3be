// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { join } from "node:path";
import manifest from "../../deno.json" with { type: "json" };
import { ioTest } from "../_support/levels.ts";

const ROOT = join(import.meta.dirname ?? ".", "..", "..");

/** Entry points that a page in a browser may import. */
const FOR_BROWSERS = ["./web", "./server", "./drivers/memory", "./proto"];

/** Runs Deno in the root of the repository. @returns all that it wrote */
async function deno(args: readonly string[], input = ""): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
  await using child = command.spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.ok(success, `deno ${args.join(" ")} failed: ${out}${err}`);
  return `${out}${err}`;
}

/** The files that git has or would take, of those that the manifest's allow-list names. */
async function allowedFiles(): Promise<readonly string[]> {
  const command = new Deno.Command("git", {
    args: ["ls-files", "--cached", "--others", "--exclude-standard", ...manifest.publish.include],
    cwd: ROOT,
  });
  const { stdout } = await command.output();
  return new TextDecoder().decode(stdout).trim().split("\n").sort();
}

ioTest("the published package is the allow-list and nothing else", async () => {
  const output = await deno(["publish", "--dry-run", "--allow-dirty", "--no-check"]);
  const published = [...output.matchAll(/file:\/\/(\S+) \(/g)]
    .map(([, path]) => (path ?? "").slice(ROOT.length + 1))
    .sort();
  assert.deepEqual(published, await allowedFiles());
  assert.ok(published.includes("src/gen/tsoracle/v1/tso_pb.ts"), "the generated code is missing");
  assert.ok(published.includes("proto/tsoracle/v1/tso.proto"), "the schema is missing");
  for (const path of published) assert.doesNotMatch(path, /^(tests|bench|tools|examples)\//);
});

for (const [name, path] of Object.entries(manifest.exports)) {
  ioTest(`entry point ${name} can be imported alone, without any permission`, async () => {
    const code = `import * as entry from "${manifest.name}${name.slice(1)}"; console.log("done");`;
    const output = await deno(["run", "--quiet", "--no-check", "--no-prompt", "-"], code);
    assert.equal(output, "done\n");
  });

  ioTest(`entry point ${name} says what it is for, with an example`, async () => {
    const text = await Deno.readTextFile(join(ROOT, path));
    const [, comment = ""] = text.match(/^\/\/ SPDX[^\n]*\n\n(\/\*\*[^]*?\*\/)/) ?? [];
    assert.match(comment, /@module/);
    assert.match(comment, /```ts/);
  });
}

for (const name of FOR_BROWSERS) {
  ioTest(`entry point ${name} needs nothing of Node, so that a page can import it`, async () => {
    const path = Object.entries(manifest.exports).find(([entry]) => entry === name)?.[1];
    const output = await deno(["info", "--quiet", "--json", path ?? ""]);
    const { modules } = JSON.parse(output) as {
      modules: readonly { readonly specifier: string }[];
    };
    assert.ok(modules.length > 0);
    for (const { specifier } of modules) assert.ok(!specifier.startsWith("node:"), specifier);
  });
}
