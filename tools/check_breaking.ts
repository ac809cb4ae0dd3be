// SPDX-License-Identifier: Apache-2.0

/**
 * Compares `proto/` with what was there before, and exits 1 if the change would break a client: with the
 * last release, and with `main` (on `main` itself, with the commit before). A repository that has neither
 * has broken nothing.
 *
 * @module
 */

import { join } from "node:path";
import { ask, buf, run } from "./_command.ts";

const baselines = new Set<string>();
// On the commit of a release the one before it counts as well.
const releases = [await lastRelease("HEAD"), await lastRelease("HEAD~1")];
for (const commit of [...releases, await beforeThisChange()]) {
  if (commit !== undefined && await hasProto(commit)) baselines.add(commit);
}
if (baselines.size === 0) console.log("nothing to compare with");
for (const commit of baselines) {
  const broke = !await compatibleWith(commit);
  console.log(`proto/ ${broke ? "breaks" : "keeps"} the wire of ${commit.slice(0, 12)}`);
  if (broke) Deno.exitCode = 1;
}

async function lastRelease(upTo: string): Promise<string | undefined> {
  const tag = await ask("git", ["describe", "--tags", "--abbrev=0", "--match", "v*", upTo]);
  return tag === undefined ? undefined : await ask("git", ["rev-parse", `${tag}^{commit}`]);
}

async function beforeThisChange(): Promise<string | undefined> {
  const head = await ask("git", ["rev-parse", "HEAD"]);
  for (const main of ["origin/main", "main"]) {
    const fork = await ask("git", ["merge-base", "HEAD", main]);
    if (fork !== undefined && fork !== head) return fork;
  }
  return await ask("git", ["rev-parse", "--verify", "HEAD~1"]);
}

async function hasProto(commit: string): Promise<boolean> {
  return await ask("git", ["cat-file", "-e", `${commit}:buf.yaml`]) !== undefined;
}

async function compatibleWith(commit: string): Promise<boolean> {
  const folder = await Deno.makeTempDir({ prefix: "tsoracle-proto-" });
  try {
    const archive = join(folder, "proto.tar");
    const wanted = ["--output", archive, commit, "buf.yaml", "proto"];
    if (!await run("git", ["archive", ...wanted])) return false;
    if (!await run("tar", ["-xf", archive, "-C", folder])) return false;
    return await buf("breaking", "--against", folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
