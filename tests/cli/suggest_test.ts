// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import assert from "node:assert/strict";
import { closest, editDistance } from "../../src/cli/suggest.ts";

Deno.test("closest() finds a typo and leaves another word alone", () => {
  const known = ["listen", "state-dir", "log", "log-format", "window-ahead"];
  assert.equal(closest("lisen", known), "listen");
  assert.equal(closest("satte-dir", known), "state-dir");
  assert.equal(closest("statedir", known), "state-dir");
  assert.equal(closest("lgo", known), "log");
  assert.equal(closest("bind", known), undefined);
  assert.equal(closest("", known), undefined);
});

Deno.test("editDistance() is symmetric, and zero only for equal words", () => {
  fc.assert(fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
    assert.equal(editDistance(a, b), editDistance(b, a));
    assert.equal(editDistance(a, b) === 0, a === b);
    assert.ok(editDistance(a, b) <= Math.max(a.length, b.length));
  }));
});

Deno.test("editDistance() counts one edit of each kind as one", () => {
  for (const typo of ["serv", "servee", "sirve", "sevre"]) {
    assert.equal(editDistance(typo, "serve"), 1, typo);
  }
});
