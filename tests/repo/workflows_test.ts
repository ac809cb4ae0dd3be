// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { join } from "node:path";
import { ioTest } from "../_support/levels.ts";

const ROOT = join(import.meta.dirname ?? ".", "..", "..");
const WORKFLOWS = join(ROOT, ".github", "workflows");

async function workflows(): Promise<readonly { readonly name: string; readonly text: string }[]> {
  const entries = await Array.fromAsync(Deno.readDir(WORKFLOWS));
  return Promise.all(entries.map(async ({ name }) => ({
    name,
    text: await Deno.readTextFile(join(WORKFLOWS, name)),
  })));
}

ioTest("every action is pinned by commit, with its version beside it", async () => {
  for (const { name, text } of await workflows()) {
    for (const line of text.split("\n").filter((line) => line.includes("uses:"))) {
      assert.match(line, /uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, name);
    }
  }
});

ioTest("every workflow may only read, and every job ends", async () => {
  for (const { name, text } of await workflows()) {
    assert.match(text, /^permissions:\n {2}contents: read\n/m, name);
    const jobs = text.match(/^ {2,4}runs-on:/gm) ?? [];
    const limits = text.match(/^ {2,4}timeout-minutes: \d+$/gm) ?? [];
    assert.ok(jobs.length > 0, name);
    assert.equal(limits.length, jobs.length, name);
  }
});

ioTest(
  "only the publishing workflow may prove who it is, and no workflow has a secret",
  async () => {
    for (const { name, text } of await workflows()) {
      assert.equal(text.includes("id-token: write"), name === "publish.yml", name);
      assert.doesNotMatch(text, /secrets\./, name);
    }
  },
);

ioTest("one version of Deno is named everywhere", async () => {
  const version = (await Deno.readTextFile(join(ROOT, ".ci", "deno-version"))).trim();
  assert.equal(version, Deno.version.deno);
  const documents = ["README.md", "CONTRIBUTING.md", "docs/testing.md"].map((name) =>
    join(ROOT, name)
  );
  const texts = await Promise.all(documents.map((path) => Deno.readTextFile(path)));
  for (const text of [...texts, ...(await workflows()).map((workflow) => workflow.text)]) {
    for (const [, named] of text.matchAll(/\bdeno@(\d+\.\d+\.\d+)/g)) assert.equal(named, version);
  }
});
