// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { BEGIN_SESSION, CHECK_SESSION } from "../../../src/drivers/postgres/safety.ts";
import * as statements from "../../../src/drivers/postgres/statements.ts";

const TIME =
  /\bnow\s*\(|(clock|statement|transaction)_timestamp|timeofday|current_(date|time)|localtime|interval/i;

const WRITES = Object.entries(statements).filter(([, text]) =>
  /\b(update|insert|delete)\b/.test(text)
);

Deno.test("no statement asks the server what time it is", () => {
  for (const text of [BEGIN_SESSION, CHECK_SESSION, ...Object.values(statements)]) {
    assert.doesNotMatch(text, TIME);
  }
});

Deno.test("every write but a restore is fenced by name, incarnation and term, in its one statement", () => {
  assert.ok(WRITES.length >= 7);
  for (const [name, text] of WRITES) {
    assert.ok(!text.includes(";"), name);
    if (name === "RESTORE") continue;
    assert.match(text, /where name = \$1 and incarnation = \$2 and term = \$3/, name);
  }
});
