// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import plugin from "../../tools/lint_plugin.ts";

const HEADER = "// SPDX-License-Identifier: Apache-2.0\n\n";

/** Lints one file as if it lay at `path`, and names the rules it breaks, each once. */
function broken(path: string, code: string): readonly string[] {
  const found = Deno.lint.runPlugin(plugin, path, code);
  return [...new Set(found.map(({ id }) => id))].sort();
}

function lines(count: number): string {
  return "  work();\n".repeat(count);
}

Deno.test("lint_plugin accepts a source file that keeps the house rules", () => {
  const code =
    `${HEADER}/** Says how many. */\nexport function count(): number {\n  return 1;\n}\n`;
  assert.deepEqual(broken("src/core/a.ts", code), []);
});

Deno.test("lint_plugin refuses a file without the licence line", () => {
  assert.deepEqual(broken("tests/a_test.ts", "work();\n"), ["tsoracle/spdx-header"]);
});

Deno.test("lint_plugin refuses source files of more than 350 lines and no other files", () => {
  assert.deepEqual(broken("src/server/a.ts", HEADER + lines(349)), ["tsoracle/file-length"]);
  assert.deepEqual(broken("src/server/a.ts", HEADER + lines(348)), []);
  assert.deepEqual(broken("src/gen/a.ts", HEADER + lines(349)), []);
  assert.deepEqual(broken("tests/a_test.ts", HEADER + lines(349)), []);
});

Deno.test("lint_plugin refuses functions of more than 70 lines", () => {
  const named = (body: number) => `${HEADER}function long() {\n${lines(body)}}\n`;
  assert.deepEqual(broken("src/net/a.ts", named(69)), ["tsoracle/function-length"]);
  assert.deepEqual(broken("src/net/a.ts", named(68)), []);
  const method = `${HEADER}class A {\n  run() {\n${lines(69)}  }\n}\n`;
  assert.deepEqual(broken("src/net/a.ts", method), ["tsoracle/function-length"]);
});

const STYLE: readonly (readonly [string, string, string])[] = [
  ["no-default-export", "a default export", "/** One. */\nexport default 1;\n"],
  ["no-top-level-arrow", "a top-level arrow function", "const f = () => 1;\nf();\n"],
  [
    "no-top-level-arrow",
    "an exported arrow function",
    "/** One. */\nexport const f = (): number => 1;\n",
  ],
  ["no-enum", "an enum", "enum A { B }\nwork(A);\n"],
  ["no-typescript-private", "a private field", "class A { private b = 1; }\nwork(A);\n"],
  [
    "no-typescript-private",
    "a parameter property",
    "class A { constructor(protected b: number) {} }\nwork(A);\n",
  ],
  ["no-console-in-source", "console", "console.log(1);\n"],
  ["no-non-null-in-source", "a non-null assertion", "work(a!);\n"],
  ["documented-exports", "an export without a comment", "export const A = 1;\n"],
  ["documented-exports", "an export with a plain comment", "/* One. */\nexport const A = 1;\n"],
];

Deno.test("lint_plugin accepts a private constructor, which has no other spelling", () => {
  const code = `${HEADER}class A {\n  private constructor() {}\n}\nwork(A);\n`;
  assert.deepEqual(broken("src/server/a.ts", code), []);
});

for (const [rule, what, code] of STYLE) {
  Deno.test(`lint_plugin refuses ${what}`, () => {
    assert.deepEqual(broken("src/server/a.ts", HEADER + code), [`tsoracle/${rule}`]);
  });
}

const IMPURE = [
  "async function wait() {}\nwait();",
  "await 1;",
  "Date.now();",
  "new Date();",
  "Math.random();",
  "performance.now();",
  "setTimeout(work, 1);",
  "crypto.getRandomValues(bytes);",
  "Deno.readTextFileSync(path);",
];

for (const code of IMPURE) {
  Deno.test(`lint_plugin refuses in core, and only there: ${code.split("\n")[0]}`, () => {
    assert.deepEqual(broken("src/core/a.ts", `${HEADER}${code}\n`), ["tsoracle/pure-core"]);
    assert.deepEqual(broken("src/server/a.ts", `${HEADER}${code}\n`), []);
  });
}
