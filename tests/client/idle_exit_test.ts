// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MemoryDriver } from "../../src/drivers/memory/mod.ts";
import { Oracle } from "../../src/server/oracle.ts";
import { ioTest } from "../_support/levels.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CHILD = "tests/client/_children/take_and_forget.ts";
const LIMIT_MS = 30_000;

/** Runs a program to its end, which has to come by itself. @returns what it printed */
async function runToEnd(program: string, args: readonly string[]): Promise<string> {
  const command = new Deno.Command(program, {
    args: [...args],
    cwd: ROOT,
    stdin: "null",
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  const { code, signal, stdout, stderr } = await command.output();
  const errors = new TextDecoder().decode(stderr);
  assert.deepEqual({ code, signal, errors }, { code: 0, signal: null, errors: "" });
  return new TextDecoder().decode(stdout);
}

async function withServer(work: (address: string) => Promise<void>): Promise<void> {
  const { serve } = await import("../../src/net/mod.ts");
  await using oracle = new Oracle({ driver: new MemoryDriver(), heartbeatIntervalMs: 0 });
  await using server = await serve(oracle, { port: 0 });
  await work(server.address);
}

for (const entry of ["node", "web"]) {
  ioTest(
    `TsoClient over ${
      entry === "web" ? "gRPC-Web" : "gRPC"
    } does not keep Deno alive while it is idle`,
    () =>
      withServer(async (address) => {
        const args = ["run", "--quiet", "--allow-all", CHILD, address, entry];
        assert.match(await runToEnd(Deno.execPath(), args), /^\d{18}\n$/);
      }),
  );
}

ioTest("TsoClient does not keep Node alive while it is idle", async () => {
  const directory = await Deno.makeTempDir({ prefix: "tsoracle-" });
  try {
    const file = join(directory, "child.mjs");
    await runToEnd(Deno.execPath(), ["bundle", "--quiet", "--output", file, CHILD]);
    await withServer(async (address) => {
      for (const entry of ["node", "web"]) {
        assert.match(await runToEnd("node", [file, address, entry]), /^\d{18}\n$/);
      }
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
