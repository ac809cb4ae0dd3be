// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { ioTest } from "../_support/levels.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What a page may have to load for the client, compressed. */
const LARGEST_GZIP_BYTES = 56_000;

async function bundle(...flags: readonly string[]): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", ...flags, "src/client/web.ts"],
    cwd: ROOT,
  });
  const { success, stdout, stderr } = await command.output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

async function gzipBytes(text: string): Promise<number> {
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(packed).arrayBuffer()).byteLength;
}

ioTest("./web bundles for browsers into one file with nothing of Node or Deno in it", async () => {
  const text = await bundle();
  const foreign = /["'`]node:|\bimport\s*\(|^import\s|\bfrom\s*"|\brequire\s*\(|\bDeno\./gm;
  assert.deepEqual([...text.matchAll(foreign)].map(([found]) => found), []);
});

ioTest("./web stays small enough for a page", async () => {
  const text = await bundle("--minify");
  const bytes = await gzipBytes(text);
  assert.ok(bytes < LARGEST_GZIP_BYTES, `${text.length} bytes, ${bytes} compressed`);
});
