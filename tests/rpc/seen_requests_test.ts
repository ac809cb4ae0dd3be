// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { REQUEST_ID_KEY } from "../../src/core/request_id.ts";
import { SeenRequests } from "../../src/rpc/seen_requests.ts";

function marked(id: string): Headers {
  return new Headers({ [REQUEST_ID_KEY]: id });
}

Deno.test("SeenRequests.admit() lets a mark in once", () => {
  const seen = new SeenRequests();
  seen.admit(marked("a"));
  seen.admit(marked("b"));
  assert.throws(() => seen.admit(marked("a")), { code: "outcome-unknown" });
  assert.throws(() => seen.admit(marked("a")), { code: "outcome-unknown" }, "and never again");
});

Deno.test("SeenRequests.admit() takes requests without a usable mark for new ones", () => {
  const seen = new SeenRequests();
  for (const header of [new Headers(), marked(""), marked("x".repeat(65))]) {
    seen.admit(header);
    seen.admit(header);
  }
});

Deno.test("SeenRequests.admit() forgets the oldest mark first", () => {
  const seen = new SeenRequests(2);
  for (const id of ["a", "b", "c"]) seen.admit(marked(id));
  assert.throws(() => seen.admit(marked("b")));
  seen.admit(marked("a"));
});
