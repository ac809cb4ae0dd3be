// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { join } from "node:path";
import { findViolations, importsOf, readSources } from "../../tools/check_layers.ts";
import { ioTest } from "../_support/levels.ts";

/** The messages for one planted file. */
function messages(path: string, text: string): readonly string[] {
  return findViolations([{ path, text }]).map(({ message }) => message);
}

Deno.test("importsOf() finds imports, re-exports and dynamic imports with their lines", () => {
  const text = [
    'import { a } from "./a.ts";',
    "import type {",
    "  B,",
    '} from "./b.ts";',
    'export * from "./c.ts";',
    'import "./d.ts";',
    'const e = await import("./e.ts");',
  ].join("\n");
  assert.deepEqual(importsOf(text), [
    { specifier: "./a.ts", line: 1 },
    { specifier: "./b.ts", line: 2 },
    { specifier: "./c.ts", line: 5 },
    { specifier: "./d.ts", line: 6 },
    { specifier: "./e.ts", line: 7 },
  ]);
});

Deno.test("importsOf() passes over comments and strings", () => {
  const text = [
    "/**",
    ' * import { a } from "./a.ts";',
    " */",
    '// import { b } from "./b.ts";',
    'export type C = "d" | "e";',
    'export const f = { from: "./g.ts" };',
  ].join("\n");
  assert.deepEqual(importsOf(text), []);
});

const ARROWS: readonly (readonly [string, string, string])[] = [
  ["src/core/a.ts", "../server/b.ts", "room core may not import room server"],
  ["src/core/a.ts", "node:fs", "room core may not import node:fs"],
  ["src/core/a.ts", "../../tests/b.ts", "room core may not import tests/b.ts"],
  ["src/consensus/a.ts", "../drivers/memory/mod.ts", "room consensus may not import room drivers"],
  ["src/server/a.ts", "../rpc/b.ts", "room server may not import room rpc"],
  ["src/server/a.ts", "node:http2", "room server may not import node:http2"],
  ["src/server/a.ts", "@connectrpc/connect", "room server may not import @connectrpc/connect"],
  ["src/rpc/a.ts", "../net/b.ts", "room rpc may not import room net"],
  ["src/rpc/a.ts", "node:http", "room rpc may not import node:http"],
  ["src/drivers/file/a.ts", "../memory/mod.ts", "driver file may not import driver memory"],
  ["src/net/a.ts", "../cli/main.ts", "room net may not import room cli"],
  ["src/client/a.ts", "node:http2", "room client may not import node:http2"],
  ["src/client/a.ts", "../grpc/b.ts", "room client may not import room grpc"],
  ["src/grpc/a.ts", "../client/b.ts", "room grpc may not import room client"],
  ["src/grpc/a.ts", "node:http2", "room grpc may not import node:http2"],
  [
    "src/grpc/a.ts",
    "@connectrpc/connect-node",
    "room grpc may not import @connectrpc/connect-node",
  ],
  ["src/http2/a.ts", "../grpc/b.ts", "room http2 may not import room grpc"],
  ["src/client/channels/node/a.ts", "node:http2", "room client may not import node:http2"],
  [
    "src/client/channels/a.ts",
    "@connectrpc/connect-node",
    "room client may not import @connectrpc/connect-node",
  ],
  [
    "src/client/channels/node/a.ts",
    "@connectrpc/connect-node",
    "room client may not import @connectrpc/connect-node",
  ],
  [
    "src/client/web.ts",
    "./channels/node/a.ts",
    "src/client/web.ts may not import src/client/channels/node/a.ts: only src/client/node_client.ts may",
  ],
  [
    "src/client/web.ts",
    "./node_client.ts",
    "src/client/web.ts may not import src/client/node_client.ts: only src/client/mod.ts may",
  ],
  ["src/attic/a.ts", "./b.ts", "room attic is not known to tools/check_layers.ts"],
];

for (const [path, specifier, message] of ARROWS) {
  Deno.test(`findViolations() refuses ${path} importing ${specifier}`, () => {
    assert.deepEqual(messages(path, `import { x } from "${specifier}";\n`), [message]);
  });
}

Deno.test("findViolations() lets imports run along the arrows", () => {
  const allowed = [
    ["src/net/a.ts", "../rpc/b.ts"],
    ["src/rpc/a.ts", "../gen/b.ts"],
    ["src/clock/a.ts", "@std/async"],
    ["src/server/a.ts", "@logtape/logtape"],
    ["src/drivers/file/a.ts", "../shared.ts"],
    ["src/drivers/etcd/a.ts", "../cluster/b.ts"],
    ["src/drivers/file/a.ts", "../records/b.ts"],
    ["src/cli/a.ts", "../version.ts"],
    ["src/client/channels/node/a.ts", "./b.ts"],
    ["src/client/channels/node/a.ts", "../../../grpc/b.ts"],
    ["src/drivers/etcd/a.ts", "../../grpc/b.ts"],
    ["src/grpc/a.ts", "../http2/b.ts"],
    ["src/grpc/a.ts", "node:net"],
    ["src/grpc/a.ts", "@connectrpc/connect/protocol-grpc"],
    ["src/client/channels/a.ts", "@connectrpc/connect-web"],
    ["src/client/node_client.ts", "./channels/node/a.ts"],
    ["src/client/mod.ts", "./node_client.ts"],
    ["mod.ts", "./src/net/mod.ts"],
  ] as const;
  for (const [path, specifier] of allowed) {
    assert.deepEqual(messages(path, `import { x } from "${specifier}";\n`), [], path);
  }
});

Deno.test("findViolations() names each file of a circle", () => {
  const files = [
    { path: "src/core/a.ts", text: '\nimport { b } from "./b.ts";\n' },
    { path: "src/core/b.ts", text: 'import type { C } from "./c.ts";\n' },
    { path: "src/core/c.ts", text: 'export { a } from "./a.ts";\n' },
    { path: "src/core/d.ts", text: 'export { a } from "./a.ts";\n' },
  ];
  assert.deepEqual(findViolations(files), [{
    path: "src/core/c.ts",
    line: 1,
    message:
      "imports go in a circle: src/core/a.ts -> src/core/b.ts -> src/core/c.ts -> src/core/a.ts",
  }]);
});

ioTest("node:http2 is imported by the way back alone", async () => {
  const files = await readSources(join(import.meta.dirname ?? ".", "..", ".."));
  const users = files.filter(({ text }) =>
    importsOf(text).some(({ specifier }) => specifier === "node:http2")
  );
  assert.deepEqual(users.map(({ path }) => path), [
    "src/net/node_edge.ts",
    "src/net/node_message.ts",
    "src/net/protocol_servers.ts",
  ]);
});

ioTest("readSources() finds a tree that keeps every arrow", async () => {
  const files = await readSources(join(import.meta.dirname ?? ".", "..", ".."));
  assert.ok(files.length > 30);
  assert.deepEqual(findViolations(files), []);
});
