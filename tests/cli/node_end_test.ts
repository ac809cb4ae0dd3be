// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { checkEnd } from "../../src/cli/serve/node_end.ts";
import type { NodeEnd } from "../../src/cli/serve/node_end.ts";

const FAILED = { error: new Error("the disk is gone") };

const UNCLEAN: readonly (NodeEnd & { readonly message: RegExp })[] = [
  { oracle: { kind: "abandoned" }, server: { kind: "closed" }, message: /^Cannot stop in order: / },
  {
    oracle: { kind: "failed", ...FAILED },
    server: { kind: "closed" },
    message: /^Cannot go on serving: the disk is gone$/,
  },
  {
    oracle: { kind: "stopped" },
    server: { kind: "oracle-failed", ...FAILED },
    message: /^Cannot go on serving: the disk is gone$/,
  },
];

Deno.test("checkEnd() takes a node that stopped in order", () => {
  checkEnd({ oracle: { kind: "stopped" }, server: { kind: "closed" } });
});

for (const { message, ...end } of UNCLEAN) {
  Deno.test(`checkEnd() refuses an oracle ${end.oracle.kind}, a server ${end.server.kind}`, () => {
    assert.throws(() => checkEnd(end), { name: "CommandError", message });
  });
}
