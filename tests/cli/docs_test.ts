// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { join } from "node:path";
import { COMMANDS } from "../../src/cli/commands.ts";
import { environmentName, oppositeName } from "../../src/cli/flag.ts";
import manifest from "../../deno.json" with { type: "json" };
import { ioTest } from "../_support/levels.ts";
import { ROOT } from "./_support/child_cli.ts";
import { GENERATED_PAGES, withParts } from "./_support/reference.ts";

const FLAGS = COMMANDS.flatMap((command) => Object.values(command.flags));

for (const { path, parts } of GENERATED_PAGES) {
  ioTest(`${path} says what the program says`, async () => {
    const text = await Deno.readTextFile(join(ROOT, path));
    const hint = "run: deno run -A tests/cli/_support/reference.ts";
    assert.equal(text, withParts(text, parts), hint);
  });
}

ioTest("the pages name no flag and no variable that the program does not have", async () => {
  const names = FLAGS.flatMap((flag) => [flag.name, oppositeName(flag) ?? flag.name]);
  const variables = new Set(FLAGS.map(environmentName));
  for (const page of ["README.md", "docs/cli.md", "docs/observability.md", "docs/operations.md"]) {
    const text = await Deno.readTextFile(join(ROOT, page));
    for (
      const [, words = ""] of text.matchAll(
        /\btsoracle (?:serve|get|seq|lease|status|bench|init|restore|decode)\b([^`\n]*)/g,
      )
    ) {
      for (const [, name = ""] of words.matchAll(/ --([a-z-]+)/g)) {
        assert.ok([...names, "help"].includes(name), `${page} names --${name}`);
      }
    }
    for (const [name] of text.matchAll(/\bTSORACLE_[A-Z_]+\b(?!\*)/g)) {
      assert.ok(variables.has(name) || name.endsWith("_"), `${page} names ${name}`);
    }
  }
});

ioTest("docs/cli.md shows the permission set that deno.json has", async () => {
  const text = await Deno.readTextFile(join(ROOT, "docs/cli.md"));
  const [, json = ""] = /```json\n([^]*?)```/.exec(text) ?? [];
  assert.deepEqual(JSON.parse(json), { permissions: manifest.permissions });
});
