// SPDX-License-Identifier: Apache-2.0

/**
 * Proves that `src/gen/` is what `deno task gen` makes of `proto/`. Exits 1 if it is not. The working tree
 * is left alone.
 *
 * @module
 */

import { join } from "node:path";
import { ask, buf } from "./_command.ts";

const fresh = await Deno.makeTempDir({ prefix: "tsoracle-gen-" });
try {
  if (!await buf("generate", "--output", fresh)) Deno.exit(1);
  const committed = await contentOf("src/gen");
  const generated = await contentOf(join(fresh, "src/gen"));
  if (committed === generated) console.log("src/gen is fresh");
  else {
    console.error(
      "src/gen is not what proto/ generates: run `deno task gen` and commit the result",
    );
    Deno.exitCode = 1;
  }
} finally {
  await Deno.remove(fresh, { recursive: true });
}

/** A fingerprint of a folder: each file with the hash that git would give it. */
async function contentOf(folder: string): Promise<string> {
  const lines: string[] = [];
  for (const path of (await filesUnder(folder)).sort()) {
    lines.push(`${path.slice(folder.length)} ${await ask("git", ["hash-object", path])}`);
  }
  return lines.join("\n");
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  const nested = await Promise.all(entries.map((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory ? filesUnder(path) : [path];
  }));
  return nested.flat();
}
