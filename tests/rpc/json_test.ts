// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { SEQUENCE_COUNTER_MAX } from "../../src/core/sequence.ts";
import { createFetchHandler } from "../../src/rpc/fetch_handler.ts";
import { OracleRig } from "../_support/oracle_rig.ts";
import { urlOf } from "./_support/calls.ts";

const HIGHEST_EPOCH = (1n << 128n) - 1n;
const U64_MAX = "18446744073709551615";

/** Calls a method with JSON of a given spelling; returns the answer as it is spelled. */
async function call(rig: OracleRig, method: string, body: string): Promise<string> {
  const headers = { "content-type": "application/json" };
  const request = new Request(urlOf(method), { method: "POST", headers, body });
  return await (await createFetchHandler(rig.oracle)(request)).text();
}

Deno.test("GetSeq says ordinals up to 2^64 - 2 and epochs as decimal strings", async () => {
  await using rig = new OracleRig({
    store: { sequences: [["orders", SEQUENCE_COUNTER_MAX - 1n]] },
  });
  await rig.lead(HIGHEST_EPOCH);
  assert.equal(
    await call(rig, "GetSeq", '{"key":"orders","count":1}'),
    `{"key":"orders","start":"18446744073709551614","count":1,` +
      `"epoch":{"hi":"${U64_MAX}","lo":"${U64_MAX}"}}`,
  );
});

Deno.test("GetSeq shows a start of zero and an epoch of zero", async () => {
  await using rig = new OracleRig();
  await rig.lead(0n);
  assert.equal(
    await call(rig, "GetSeq", '{"key":"orders","count":"3"}'),
    '{"key":"orders","start":"0","count":3,"epoch":{"hi":"0","lo":"0"}}',
  );
});

Deno.test("GetSeqBatch says every grant with its key", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const body = '{"entries":[{"key":"b","count":2},{"key":"a","count":1}]}';
  assert.equal(
    await call(rig, "GetSeqBatch", body),
    '{"grants":[{"key":"b","start":"0","count":2},{"key":"a","start":"0","count":1}],' +
      '"epoch":{"hi":"0","lo":"1"}}',
  );
});

Deno.test("the lease methods take 64-bit fields as strings and holders in base64, and say strings", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const epoch = '"epoch":{"hi":"0","lo":"1"}';
  assert.equal(
    await call(
      rig,
      "AcquireLease",
      `{"holder":"Z3JvdXAtYQ==","holderEpoch":"${U64_MAX}","ttlMs":"10000"}`,
    ),
    `{"leaseId":"1010000","tsUpperBound":"1010000","expiresAtMs":"1010000",${epoch}}`,
  );
  const [lease] = rig.driver.leases;
  assert.equal(new TextDecoder().decode(lease?.holder), "group-a");
  assert.equal(String(lease?.holderEpoch), U64_MAX);
  assert.equal(
    await call(rig, "RenewLease", '{"leaseId":"1010000"}'),
    `{"tsUpperBound":"1010000","expiresAtMs":"1010000",${epoch}}`,
  );
  assert.equal(
    await call(rig, "GetSafeFrontier", "{}"),
    '{"frontierPhysicalMs":"1010000","epochHi":"0","epochLo":"1"}',
  );
  assert.equal(await call(rig, "ReleaseLease", '{"leaseId":1010000}'), "{}");
});

Deno.test("GetSafeFrontier answers a plain GET", async () => {
  await using rig = new OracleRig();
  const answer = await createFetchHandler(rig.oracle)(new Request(urlOf("GetSafeFrontier")));
  assert.equal(await answer.text(), '{"frontierPhysicalMs":"0","epochHi":"0","epochLo":"0"}');
});
