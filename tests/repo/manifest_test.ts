// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import deno from "../../deno.json" with { type: "json" };
import jsr from "../../jsr.json" with { type: "json" };
import standIn from "../../tools/std_async/deno.json" with { type: "json" };
import { VERSION } from "../../src/version.ts";

Deno.test("jsr.json mirrors deno.json", () => {
  const { name, version, license, exports, publish } = deno;
  assert.deepEqual(jsr, { name, version, license, exports, publish });
});

Deno.test("VERSION is the version of deno.json", () => {
  assert.equal(VERSION, deno.version);
});

Deno.test("the stand-in for @std/async is never published and has a version that the import accepts", () => {
  assert.equal(standIn.publish, false);
  assert.equal(deno.imports["@std/async"], `jsr:${standIn.name}@^${standIn.version}`);
});

Deno.test("check:docs covers every entry point but the generated one", () => {
  const entries = Object.entries(deno.exports)
    .filter(([name]) => name !== "./proto")
    .map(([, path]) => path.replace("./", ""));
  assert.equal(deno.tasks["check:docs"].command, `deno doc --lint ${entries.join(" ")}`);
});

Deno.test("every task says what it is for", () => {
  for (const [name, task] of Object.entries(deno.tasks)) {
    assert.ok("description" in task && task.description.length > 10, name);
  }
});
