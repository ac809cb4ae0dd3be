// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ioTest } from "../_support/levels.ts";
import { report } from "./_scripted/report.ts";
import { StageServer } from "./_scripted/stage_server.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const LIMIT_MS = 240_000;

/** Runs a program; it ends by itself, and may write nothing but its result. */
async function run(program: string, ...args: readonly string[]): Promise<string> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  const command = new Deno.Command(program, { args: [...args], cwd: ROOT, stdin: "null", signal });
  const { success, code, stdout, stderr } = await command.output();
  const complaints = new TextDecoder().decode(stderr);
  assert.ok(success && complaints === "", `${program} ended with ${code}: ${complaints}`);
  return new TextDecoder().decode(stdout);
}

ioTest("TsoClient on Node does in every scenario what it should", async (t) => {
  const directory = await Deno.makeTempDir({ prefix: "tsoracle-" });
  try {
    const file = join(directory, "scenarios.mjs");
    const source = "tests/client/scenarios/on_node.ts";
    await run(Deno.execPath(), "bundle", "--quiet", "--output", file, source);
    await using stage = new StageServer();
    await report(t, JSON.parse(await run("node", file, stage.url)));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
