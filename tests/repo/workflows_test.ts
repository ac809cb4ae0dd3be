// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { join } from "node:path";
import { ioTest } from "../_support/levels.ts";

const ROOT = join(import.meta.dirname ?? ".", "..", "..");
const WORKFLOWS = join(ROOT, ".github", "workflows");

/** The newest, which is tried each night (docs/adr/0001-own-http2-edge.md). */
const NEWEST_DENO = "2.9.6";

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

/** The versions of Deno that a text says to fetch. */
function denosOf(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/\bdeno@(\d+\.\d+\.\d+)/g)].map(([, named = ""]) => named));
}

ioTest("one version of Deno is named everywhere, and the newest is tried each night", async () => {
  const version = (await Deno.readTextFile(join(ROOT, ".ci", "deno-version"))).trim();
  assert.ok([version, NEWEST_DENO].includes(Deno.version.deno), `runs on ${Deno.version.deno}`);
  const documents = ["README.md", "CONTRIBUTING.md", "docs/testing.md"];
  for (const name of documents) {
    const text = await Deno.readTextFile(join(ROOT, name));
    assert.deepEqual(denosOf(text), new Set([version]), name);
  }
  for (const { name, text } of await workflows()) {
    const named = name === "nightly.yml" ? [version, NEWEST_DENO] : [version];
    assert.deepEqual(denosOf(text), new Set(named), name);
  }
});
