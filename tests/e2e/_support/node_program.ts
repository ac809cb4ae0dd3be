// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Program } from "../../_support/server_process.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** A program as one file that Node runs. Leaving the scope removes it. */
export interface NodeProgram extends AsyncDisposable {
  /** Node and the file. */
  readonly program: Program;
}

/** Bundles a program, by default the command line, as `deno task bundle:node` does. */
export async function bundleForNode(source = "src/cli/main.ts"): Promise<NodeProgram> {
  const directory = await Deno.makeTempDir({ prefix: "tsoracle-node-" });
  const file = join(directory, "tsoracle.mjs");
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--output", file, source],
    cwd: ROOT,
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return {
    program: ["node", file],
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}
