// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { HAS_PERMISSIONS, ioTest } from "./_support/levels.ts";

const HINT = "tests of files, sockets and processes need permissions: run `deno task test`";

Deno.test({
  name: HINT,
  ignore: !HAS_PERMISSIONS,
  fn: () => {},
});

ioTest(
  "a bare deno test passes, asks for nothing and names the task that runs the rest",
  async () => {
    const command = new Deno.Command(Deno.execPath(), {
      args: ["test", "--no-prompt", import.meta.filename ?? ""],
      env: { NO_COLOR: "1" },
      stdin: "null",
    });
    const { success, stdout } = await command.output();
    const output = new TextDecoder().decode(stdout);
    assert.ok(success, output);
    assert.equal(output.split("\n").filter((line) => line.includes(HINT)).length, 1);
    assert.match(output, /0 failed \| 2 ignored/);
  },
);
