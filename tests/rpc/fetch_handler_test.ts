// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { abortable } from "../../src/core/abortable.ts";
import { ConnectError } from "@connectrpc/connect";
import { GetTsRequestSchema, GetTsResponseSchema } from "../../src/gen/tsoracle/v1/tso_pb.ts";
import { createFetchHandler } from "../../src/rpc/fetch_handler.ts";
import { OracleError } from "../../src/server/errors.ts";
import type { CallOptions } from "../../src/server/call_options.ts";
import { getTsRequest, readRefusal, urlOf } from "./_support/calls.ts";
import { fakeSource, refusingSource } from "./_support/fake_source.ts";

const handle = createFetchHandler(fakeSource());
const SAFE = { maxSafePhysicalMs: "1699999999999", epochHi: "1", epochLo: "3" };

Deno.test("createFetchHandler() answers JSON, 64-bit fields as strings", async () => {
  const response = await handle(getTsRequest({ count: 2 }));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.deepEqual(await response.json(), {
    physicalMs: "1700000000000",
    logicalStart: 5,
    count: 2,
    epochHi: "1",
    epochLo: "3",
  });
});

Deno.test("createFetchHandler() shows JSON fields that are zero", async () => {
  const zero = fakeSource({
    getTs: () => ({ kind: "granted", physicalMs: 0, logicalStart: 0, count: 1, epoch: 0n }),
  });
  const response = await createFetchHandler(zero)(getTsRequest({ count: 1 }));
  assert.deepEqual(await response.json(), {
    physicalMs: "0",
    logicalStart: 0,
    count: 1,
    epochHi: "0",
    epochLo: "0",
  });
});

Deno.test("createFetchHandler() answers Connect binary", async () => {
  const request = new Request(urlOf("GetTs"), {
    method: "POST",
    headers: { "content-type": "application/proto" },
    body: new Uint8Array(toBinary(GetTsRequestSchema, create(GetTsRequestSchema, { count: 2 }))),
  });
  const body = new Uint8Array(await (await handle(request)).arrayBuffer());
  assert.equal(fromBinary(GetTsResponseSchema, body).physicalMs, 1_700_000_000_000n);
});

Deno.test("createFetchHandler() answers gRPC-Web with the hint in the trailers", async () => {
  const source = refusingSource(
    new OracleError("not-leader", "not leader", { hint: { leaderEpoch: 7n } }),
  );
  const request = new Request(urlOf("GetTs"), {
    method: "POST",
    headers: { "content-type": "application/grpc-web+proto" },
    body: new Uint8Array([0, 0, 0, 0, 2, 8, 2]),
  });
  const body = new Uint8Array(await (await createFetchHandler(source)(request)).arrayBuffer());
  assert.equal(body[0], 0x80, "no message, a trailer frame at once");
  const trailers = new TextDecoder().decode(body.subarray(5));
  assert.match(trailers, /^grpc-status: 9\r$/m);
  assert.match(trailers, /^tsoracle-leader-hint-bin: EgIQBw\r$/m);
});

for (
  const [name, query] of [
    ["a bare address", ""],
    ["a Connect query in JSON", "?encoding=json&message=%7B%7D&connect=v1"],
    ["a Connect query in binary", "?encoding=proto&base64=1&message=&connect=v1"],
    ["a query of something else", "?nocache=1"],
    ["an encoding without a message", "?encoding=json"],
  ] as const
) {
  Deno.test(`createFetchHandler() answers GetCurrentMaxSafe to a GET of ${name}`, async () => {
    const response = await handle(new Request(urlOf("GetCurrentMaxSafe") + query));
    assert.equal(response.status, 200);
    if (query.includes("proto")) await response.body?.cancel();
    else assert.deepEqual(await response.json(), SAFE);
  });
}

for (
  const [name, body] of [
    ["no JSON", "{"],
    ["a negative count", '{"count":-5}'],
    ["a count that is no number", '{"count":"many"}'],
    ["a count of 2^32", '{"count":4294967296}'],
    ["a fraction", '{"count":1.5}'],
    ["an array", "[]"],
  ] as const
) {
  Deno.test(`createFetchHandler() refuses ${name} with INVALID_ARGUMENT`, async () => {
    const refusal = await readRefusal(await handle(getTsRequest(body)));
    assert.equal(refusal.code, "invalid_argument");
    assert.equal(refusal.hint, undefined);
  });
}

Deno.test("createFetchHandler() ignores JSON fields of a later version", async () => {
  const response = await handle(getTsRequest({ count: 2, laterField: true }));
  assert.equal(response.status, 200);
  await response.body?.cancel();
});

Deno.test("createFetchHandler() refuses a message over the limit", async () => {
  const small = createFetchHandler(fakeSource(), { maxMessageBytes: 100 });
  const body = JSON.stringify({ count: 1, pad: "x".repeat(100) });
  assert.equal((await readRefusal(await small(getTsRequest(body)))).code, "resource_exhausted");
  assert.equal((await readRefusal(await handle(getTsRequest("x".repeat(65_537))))).status, 429);
});

Deno.test("createFetchHandler() refuses a deadline over the limit, and takes a day", async () => {
  const patience = (ms: number) =>
    handle(getTsRequest({ count: 1 }, { "connect-timeout-ms": String(ms) }));
  assert.equal((await readRefusal(await patience(86_400_001))).code, "invalid_argument");
  const day = await patience(86_400_000);
  assert.equal(day.status, 200);
  await day.body?.cancel();
});

Deno.test("createFetchHandler() says DEADLINE_EXCEEDED when the deadline passes", async () => {
  const patient = createFetchHandler(fakeSource({ getTs: (_, options) => abortOf(options) }));
  const request = getTsRequest({ count: 1 }, { "connect-timeout-ms": "1" });
  assert.equal((await readRefusal(await patient(request))).code, "deadline_exceeded");
});

Deno.test("createFetchHandler() ends waiting calls with the reason of the shutdown", async () => {
  const shutdown = new AbortController();
  const patient = createFetchHandler(fakeSource({ getTs: (_, options) => abortOf(options) }), {
    shutdownSignal: shutdown.signal,
  });
  const call = patient(getTsRequest({ count: 1 }));
  shutdown.abort(new ConnectError("server is shutting down", 14));
  const { code, message } = await readRefusal(await call);
  assert.deepEqual([code, message], ["unavailable", "server is shutting down"]);
});

Deno.test("createFetchHandler() hides the text of a fault", async () => {
  const response = await createFetchHandler(refusingSource(new Error("secret")))(
    getTsRequest({ count: 1 }),
  );
  const text = await response.text();
  assert.equal(response.status, 500);
  assert.deepEqual(JSON.parse(text), { code: "internal", message: "internal error" });
});

Deno.test("createFetchHandler() tells a gRPC client in its own words that it is wrong here", async () => {
  const response = await handle(
    new Request(urlOf("GetTs"), {
      method: "POST",
      headers: { "content-type": "application/grpc+proto" },
      body: new Uint8Array([0, 0, 0, 0, 0]),
    }),
  );
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("grpc-status"), "12");
  assert.match(decodeURIComponent(response.headers.get("grpc-message") ?? ""), /use gRPC-Web/);
  assert.equal(response.body, null);
});

Deno.test("createFetchHandler() names the paths to one who asks for another", async () => {
  const response = await handle(new Request("http://oracle.test/nope"));
  assert.equal(response.status, 404);
  assert.match(
    await response.text(),
    /^Cannot find \/nope: call \/tsoracle\.v1\.TsoService\/GetTs /,
  );
});

Deno.test("createFetchHandler() says UNIMPLEMENTED to a gRPC client that asks for another", async () => {
  const response = await handle(
    new Request(urlOf("GetSeq"), {
      method: "POST",
      headers: { "content-type": "application/grpc" },
    }),
  );
  assert.equal(response.headers.get("grpc-status"), "12");
});

Deno.test("createFetchHandler() names the methods of HTTP that a call takes", async () => {
  const get = await handle(new Request(urlOf("GetTs")));
  assert.equal(get.status, 405);
  assert.equal(get.headers.get("allow"), "POST");
  assert.match(await get.text(), /^Cannot GET .*: use POST$/m);
  const put = await handle(new Request(urlOf("GetCurrentMaxSafe"), { method: "PUT" }));
  assert.equal(put.headers.get("allow"), "POST, GET");
  await put.body?.cancel();
});

Deno.test("createFetchHandler() names the content types to one who sends another", async () => {
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const response = await handle(getTsRequest({ count: 1 }, form));
  assert.equal(response.status, 415);
  assert.match(await response.text(), /use application\/json/);
});

/** A grant that never comes, until the caller has gone. */
function abortOf(options: CallOptions = {}): Promise<never> {
  const { signal } = options;
  assert(signal !== undefined);
  return abortable(new Promise<never>(() => {}), signal);
}
