// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { readOptions } from "../../bench/options.ts";
import { summarize } from "../../bench/rate.ts";
import { formatTable } from "../../bench/table.ts";

Deno.test("summarize() takes the middle of the runs", () => {
  assert.deepEqual(summarize([3, 1, 2]), { median: 2, lowest: 1, highest: 3 });
  assert.deepEqual(summarize([4, 1, 2, 3]), { median: 2.5, lowest: 1, highest: 4 });
  assert.throws(() => summarize([]), RangeError);
});

Deno.test("formatTable() lines columns up", () => {
  assert.equal(
    formatTable(["name", "n"], [["a", "1"], ["longer", "1,000"]]),
    [
      "| name   |     n |",
      "| ------ | ----: |",
      "| a      |     1 |",
      "| longer | 1,000 |",
    ].join("\n"),
  );
});

Deno.test("readOptions() has defaults and refuses what it does not know", () => {
  assert.deepEqual(readOptions([]), { quick: false, json: false, directory: "." });
  assert.deepEqual(readOptions(["--quick", "--json", "--dir", "/mnt"]), {
    quick: true,
    json: true,
    directory: "/mnt",
  });
  assert.equal(readOptions(["-h"]), "help");
  assert.throws(() => readOptions(["--fast"]), TypeError);
});
