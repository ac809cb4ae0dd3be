// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { ENGINES } from "../../bench/engines/engines.ts";
import type { EngineReport } from "../../bench/engines/main.ts";
import { ioTest } from "../_support/levels.ts";

ioTest("deno task bench:engines --quick measures every engine of this machine", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "bench/engines/main.ts", "--quick", "--json", "--dir", directory],
      stdin: "null",
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const { rows }: EngineReport = JSON.parse(new TextDecoder().decode(stdout));
    const here = ENGINES.filter(({ missing }) => missing === undefined).map(({ name }) => name);
    assert.deepEqual([...new Set(rows.map(({ engine }) => engine))], here);
    for (const { perSecond, latency } of rows) assert.ok(perSecond > 0 && latency.p50Ms > 0);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
