// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { allChecks } from "../../src/testing/conformance/checks.ts";
import { ioTest } from "../_support/levels.ts";

const GUIDE = new URL("../../docs/drivers.md", import.meta.url);

ioTest(
  "docs/drivers.md lists every conformance check with its promise and what it needs",
  async () => {
    const guide = await Deno.readTextFile(GUIDE);
    const rows = guide.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
    for (const { id, title, needs } of allChecks({})) {
      const row = rows.find(([, first]) => first === `\`${id}\``);
      const hooks = needs.map((hook) => `\`${hook}\``).join(", ") || "nothing";
      assert.deepEqual(row, ["", `\`${id}\``, title, hooks, ""]);
    }
  },
);
