// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { completeGetUrl, objectToQuery } from "../../src/rpc/plain_get.ts";

const URL_OF_GET = "http://localhost/tsoracle.v1.TsoService/GetCurrentMaxSafe";

Deno.test("completeGetUrl() fills in what is missing and keeps what is said", () => {
  const queryOf = (query: string) => new URL(completeGetUrl(`${URL_OF_GET}${query}`)).search;
  assert.equal(queryOf(""), "?encoding=json&message=%7B%7D");
  assert.equal(queryOf("?encoding=proto"), "?encoding=proto");
  assert.equal(queryOf("?message=x&encoding=json"), "?message=x&encoding=json");
});

Deno.test("objectToQuery() names what Connect would call a fault of the server", () => {
  const cases = [
    ["?encoding=xml", 415, /encoding "xml": use json or proto/],
    ["?encoding=json&base64=1&message=%25", 400, /base64/],
  ] as const;
  for (const [query, status, text] of cases) {
    const refusal = objectToQuery(`${URL_OF_GET}${query}`);
    assert.equal(refusal?.status, status);
    assert.match(refusal.text, text);
  }
});

Deno.test("objectToQuery() leaves everything else to Connect", () => {
  for (const query of ["", "?encoding=proto&base64=1", "?base64=1&message=e30", "?message=%25"]) {
    assert.equal(objectToQuery(`${URL_OF_GET}${query}`), undefined);
  }
});
