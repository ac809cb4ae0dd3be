// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { KV } from "../../src/gen/etcdserverpb/rpc_pb.ts";
import { CallHeads } from "../../src/grpc/call_heads.ts";
import type { CallHeadOptions } from "../../src/grpc/call_heads.ts";

const { txn, range } = KV.method;

/** The head of a transaction, as name and value. */
function headOf(origin: string, options?: CallHeadOptions): Readonly<Record<string, string>> {
  const { common, usual, others } = new CallHeads(origin).fields(txn, options);
  const fields = [...common, ...(usual === undefined ? [] : [usual]), ...others];
  return Object.fromEntries(fields.map(({ name, value }) => [name, value]));
}

for (
  const [origin, scheme, authority] of [
    ["https://oracle.example:443", "https", "oracle.example"],
    ["http://oracle.example:80", "http", "oracle.example"],
    ["https://oracle.example:80", "https", "oracle.example:80"],
    ["http://[::1]:50551", "http", "[::1]:50551"],
  ] as const
) {
  Deno.test(`CallHeads for ${origin} name ${authority} as the authority, over ${scheme}`, () => {
    const head = headOf(origin);
    assert.deepEqual([head[":scheme"], head[":authority"]], [scheme, authority]);
    assert.equal(head[":path"], "/etcdserverpb.KV/Txn");
  });
}

Deno.test("CallHeads have the path of the URL before that of the method", () => {
  assert.equal(headOf("http://a:1/etcd/")[":path"], "/etcd/etcdserverpb.KV/Txn");
});

Deno.test("CallHeads have one object for the fields that all calls of a method have", () => {
  const heads = new CallHeads("http://a:1");
  assert.equal(heads.fields(txn).common, heads.fields(txn, { timeoutMs: 5 }).common);
  assert.notEqual(heads.fields(txn).common, heads.fields(range).common);
});

Deno.test("CallHeads have the deadline in milliseconds, rounded up, or in seconds if that is too long", () => {
  const timeoutOf = (timeoutMs?: number) => headOf("http://a:1", { timeoutMs })["grpc-timeout"];
  assert.equal(timeoutOf(), undefined);
  assert.equal(timeoutOf(1.2), "2m");
  assert.equal(timeoutOf(99_999_999), "99999999m");
  assert.equal(timeoutOf(100_000_000), "100000S");
});

Deno.test("CallHeads have the fields of the caller, with names in small letters", () => {
  const { others } = new CallHeads("http://a:1").fields(txn, { header: { HasLeader: "true" } });
  assert.deepEqual(others, [{ name: "hasleader", value: "true" }]);
});
