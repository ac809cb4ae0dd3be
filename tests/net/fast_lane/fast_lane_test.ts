// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { HpackDecoder } from "../../../src/http2/hpack/hpack_decoder.ts";
import { fastProtocolOf } from "../../../src/net/fast_lane/fast_route.ts";
import { scaled } from "../../_support/levels.ts";
import type { MemoryClient } from "../../http2/_support/memory_client.ts";
import { LaneRig, WAIT_MS } from "./_support/lane_rig.ts";
import { cancel, data, initialWindow, openStream, TYPE } from "../_support/h2_frames.ts";

const GET_TS = "/tsoracle.v1.TsoService/GetTs";
const GRPC: [string, string][] = [["content-type", "application/grpc"]];
const CONNECT: [string, string][] = [["content-type", "application/proto"]];
const DATE = "Tue, 14 Nov 2023 22:13:20 GMT";
const ONE = Buffer.from("00000000020801", "hex");

function open(stream: number, fields = GRPC): Buffer {
  return openStream(stream, GET_TS, fields);
}

/** The fields that were sent on a stream, in all its blocks. */
function fieldsOf(client: MemoryClient, stream: number): string[] {
  const decoder = new HpackDecoder({ maxListBytes: 10_000 });
  return client.framesOf(TYPE.headers).flatMap(({ payload, stream: of }) => {
    const { fields } = decoder.decode(payload, 0, payload.length);
    return of === stream ? fields.map(({ name, value }) => `${name}: ${value}`) : [];
  });
}

Deno.test("FastLane answers plain calls of one read in their order, with one write", () => {
  using rig = new LaneRig();
  const two = Buffer.from("00000000020802", "hex");
  rig.client.send(open(1), open(3), data(3, two, true), data(1, ONE, true));
  assert.deepEqual(rig.counts, [2, 1]);
  assert.equal(rig.client.writes.length, 1);
  assert.equal(
    Buffer.from(rig.client.bodyOf(1), "latin1").toString("hex"),
    "000000000908e807100718012801",
  );
  assert.deepEqual(fieldsOf(rig.client, 1), [
    ":status: 200",
    "content-type: application/grpc+proto",
    `date: ${DATE}`,
    "grpc-status: 0",
  ]);
  assert.deepEqual([rig.lane.answered, rig.client.connection.streams], [2, 0]);
});

Deno.test("FastLane answers Connect with the length of its message", () => {
  using rig = new LaneRig();
  rig.client.send(open(1, CONNECT), data(1, ONE.subarray(5), true));
  assert.equal(Buffer.from(rig.client.bodyOf(1), "latin1").toString("hex"), "08e807100718012801");
  assert.deepEqual(fieldsOf(rig.client, 1), [
    ":status: 200",
    "content-type: application/proto",
    "content-length: 9",
    `date: ${DATE}`,
  ]);
});

Deno.test("FastLane dates each answer by the second in which it is made", async () => {
  using rig = new LaneRig();
  const dateOn = (stream: number) =>
    fieldsOf(rig.client, stream).find((field) => field.startsWith("date: "));
  rig.client.send(open(1), data(1, ONE, true));
  await rig.clock.advance(999);
  rig.client.send(open(3), data(3, ONE, true));
  await rig.clock.advance(1);
  rig.client.send(open(5), data(5, ONE, true), open(7, CONNECT), data(7, ONE.subarray(5), true));
  assert.deepEqual([1, 3, 5, 7].map(dateOn), [
    `date: ${DATE}`,
    `date: ${DATE}`,
    "date: Tue, 14 Nov 2023 22:13:21 GMT",
    "date: Tue, 14 Nov 2023 22:13:21 GMT",
  ]);
});

Deno.test("FastLane takes a body that comes later, and an end that comes later still", () => {
  using rig = new LaneRig();
  rig.client.send(open(1));
  rig.client.send(data(1, ONE));
  assert.deepEqual(rig.counts, []);
  rig.client.send(data(1, Buffer.alloc(0), true));
  assert.deepEqual([rig.counts, rig.lane.answered], [[1], 1]);
});

for (
  const [name, parts] of [
    ["in two parts", [ONE.subarray(0, 5), ONE.subarray(5)]],
    ["with more behind it", [ONE, Buffer.from("more")]],
    ["that is not plain", [Buffer.from("0000000003088100", "hex")]],
    ["that is compressed", [Buffer.from("01000000020801", "hex")]],
    ["of another length than it says", [Buffer.from("00000000030801", "hex")]],
    ["longer than 64 KiB", [Buffer.from("00010000020801", "hex")]],
  ] as const
) {
  Deno.test(`FastLane hands over a body ${name}, as it came`, () => {
    using rig = new LaneRig();
    rig.client.send(open(1), ...parts.map((part) => data(1, part)), data(1, Buffer.alloc(0), true));
    assert.equal(rig.client.bodyOf(1), Buffer.concat(parts).toString("latin1"));
    assert.deepEqual([rig.counts, rig.lane.answered], [[], 0]);
  });
}

Deno.test("FastLane hands over a call without a body, and one that cannot be granted now", () => {
  using rig = new LaneRig();
  rig.grants = false;
  rig.client.send(open(1), data(1, Buffer.alloc(0), true), open(3), data(3, ONE, true));
  assert.equal(rig.client.bodyOf(1), "hello");
  assert.equal(rig.client.bodyOf(3), ONE.toString("latin1"));
  assert.equal(rig.lane.answered, 0);
});

Deno.test("FastLane grants nothing that it could not send at once", () => {
  using rig = new LaneRig();
  rig.client.send(initialWindow(10), open(1), data(1, ONE, true));
  assert.deepEqual([rig.counts, rig.client.bodyOf(1)], [[], ONE.toString("latin1")]);
  rig.client.send(open(3), data(3, Buffer.concat([ONE, ONE]), true), initialWindow(100));
  rig.client.send(open(5), data(5, ONE, true));
  assert.deepEqual(rig.counts, [1]);
});

Deno.test("FastLane does not wait for an answer whose stream was reset", () => {
  using rig = new LaneRig();
  rig.client.send(initialWindow(100), open(1), data(1, Buffer.alloc(200)));
  rig.client.send(open(3), data(3, ONE, true));
  assert.deepEqual(rig.counts, [], "half of an answer waits");
  rig.client.send(cancel(1), open(5), data(5, ONE, true));
  assert.deepEqual(rig.counts, [1]);
});

Deno.test("FastLane leaves a call that is long in coming to others", async () => {
  using rig = new LaneRig();
  rig.client.send(open(1), open(3), data(3, ONE));
  rig.client.send(data(3, Buffer.alloc(0), true), open(5));
  await rig.clock.advance(WAIT_MS);
  rig.client.send(data(1, ONE, true), data(5, ONE, true), open(7), data(7, Buffer.alloc(9), true));
  assert.deepEqual(rig.counts, [1]);
  assert.deepEqual(
    rig.left,
    [[1, true], [5, true], [7, false]],
    "late ones are not waited for again",
  );
  assert.equal(rig.client.bodyOf(1), ONE.toString("latin1"));
  assert.equal(rig.client.bodyOf(5), ONE.toString("latin1"));
});

Deno.test("FastLane leaves what is not whole to others when the server ends", () => {
  using rig = new LaneRig();
  rig.client.send(open(1), data(1, ONE), open(3, CONNECT), open(5), data(5, ONE, true));
  rig.lane.leaveAll();
  assert.deepEqual(rig.left, [[1, false], [3, false]]);
  rig.client.send(data(1, Buffer.alloc(0), true));
  assert.deepEqual([rig.counts, rig.client.bodyOf(1)], [[1], ONE.toString("latin1")]);
  rig.client.send(open(7), data(7, ONE), open(9), data(9, ONE, true));
  assert.deepEqual([rig.left.at(-1), rig.counts], [[7, false], [1, 1]], "of what comes later too");
});

Deno.test("FastLane leaves what is not whole to others when the first of its calls comes as the server ends", () => {
  using rig = new LaneRig();
  rig.lane.leaveAll();
  rig.client.send(open(1), data(1, ONE));
  assert.deepEqual([rig.left, rig.counts], [[[1, false]], []]);
});

Deno.test("FastLane hands over once what is late, and keeps nothing of a call that was cancelled", async () => {
  using rig = new LaneRig();
  rig.client.send(open(1), data(1, ONE));
  rig.client.send(open(3));
  rig.client.send(cancel(3));
  await rig.clock.advance(WAIT_MS);
  rig.client.send(data(1, Buffer.alloc(0), true));
  assert.equal(rig.client.bodyOf(1), ONE.toString("latin1"));
  assert.deepEqual(rig.echo.closed, [[1, 0]]);
});

Deno.test("FastLane keeps nothing of the calls of a connection that breaks within its read", async () => {
  using rig = new LaneRig();
  rig.client.send(open(1), open(3), data(3, ONE), Buffer.from("no frame at all"));
  assert.equal(rig.client.connection.isOver, true);
  await rig.clock.advance(WAIT_MS);
  assert.deepEqual([rig.left, rig.counts], [[], []]);
});

Deno.test("FastLane waits for each call of a read that is not whole, in whichever order others end", async () => {
  using rig = new LaneRig();
  rig.client.send(open(1), open(3), open(5), data(1, ONE, true), cancel(5));
  await rig.clock.advance(WAIT_MS);
  assert.deepEqual([rig.counts, rig.left], [[1], [[3, true]]]);
});

const ROUTES: readonly (readonly [string, [string, string][], "grpc" | "connect" | undefined])[] = [
  ["plain gRPC", GRPC, "grpc"],
  ["gRPC with its codec", [["content-type", "application/grpc+proto"]], "grpc"],
  ["plain Connect", CONNECT, "connect"],
  ["a deadline", [...GRPC, ["grpc-timeout", "5S"]], "grpc"],
  ["a deadline of microseconds", [...GRPC, ["grpc-timeout", "4999876u"]], "grpc"],
  ["a deadline of Connect", [...CONNECT, ["connect-timeout-ms", "5000"]], "connect"],
  ["fields of tracing", [...GRPC, ["traceparent", "00-1-2-01"], ["x-b3", "1"]], "grpc"],
  ["a field that every object has", [...GRPC, ["__proto__", "1"], ["constructor", "1"]], "grpc"],
  ["a type that every object has", [["content-type", "constructor"]], undefined],
  ["no type", [], undefined],
  ["JSON", [["content-type", "application/json"]], undefined],
  ["gRPC-Web", [["content-type", "application/grpc-web+proto"]], undefined],
  ["a type with parameters", [["content-type", "application/grpc;x=1"]], undefined],
  ["two types", [...GRPC, ...GRPC], undefined],
  ["compression", [...GRPC, ["grpc-encoding", "gzip"]], undefined],
  ["no compression", [...GRPC, ["grpc-encoding", "identity"]], "grpc"],
  ["compression of Connect", [...CONNECT, ["content-encoding", "gzip"]], undefined],
  ["an expectation", [...GRPC, ["expect", "100-continue"]], undefined],
  ["a page", [...CONNECT, ["origin", "https://app.example"]], undefined],
  ["a deadline that is over", [...GRPC, ["grpc-timeout", "0S"]], undefined],
  ["a deadline below a millisecond", [...GRPC, ["grpc-timeout", "999u"]], undefined],
  ["a deadline that is too long", [...GRPC, ["grpc-timeout", "25H"]], undefined],
  ["a deadline that is none", [...GRPC, ["grpc-timeout", "5"]], undefined],
  ["two deadlines", [...GRPC, ["grpc-timeout", "5S"], ["grpc-timeout", "5S"]], undefined],
  ["an unknown version of Connect", [...CONNECT, ["connect-protocol-version", "2"]], undefined],
];

function protocolOf(fields: readonly (readonly [string, string])[]): string | undefined {
  const rest = { method: "POST", scheme: "http", authority: "x", contentLength: undefined };
  const list = fields.map(([name, value]) => ({ name, value }));
  return fastProtocolOf({ ...rest, path: GET_TS, fields: list });
}

/** Hours to nanoseconds, in milliseconds. */
const UNITS = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000_001 } as const;

Deno.test("fastProtocolOf() takes the deadlines that are well-formed and neither over nor too long", () => {
  const text = fc.oneof(
    fc.tuple(fc.nat(1_000_000_000).map(String), fc.constantFrom(...Object.keys(UNITS), "", "s"))
      .map((parts) => parts.join("")),
    fc.stringMatching(/^[0-9+\-.e xHMSmun]{0,12}$/),
  );
  const isPlain = (ms: number) => ms >= 1 && ms <= 86_400_000;
  fc.assert(
    fc.property(text, (text) => {
      const [, amount = "", unit = "m"] = /^([0-9]{1,8})([HMSmun])$/.exec(text) ?? [];
      const isGrpc = amount !== "" && isPlain(Number(amount) * UNITS[unit as keyof typeof UNITS]);
      assert.equal(protocolOf([...GRPC, ["grpc-timeout", text]]), isGrpc ? "grpc" : undefined);
      const isConnect = /^[0-9]{1,10}$/.test(text) && isPlain(Number(text));
      const found = protocolOf([...CONNECT, ["connect-timeout-ms", text]]);
      assert.equal(found, isConnect ? "connect" : undefined);
    }),
    { numRuns: scaled(2_000, 200_000) },
  );
});

for (const [name, fields, expected] of ROUTES) {
  Deno.test(`fastProtocolOf() says ${expected ?? "nothing"} for ${name}`, () => {
    const head = {
      method: "POST",
      scheme: "http",
      authority: "x",
      path: GET_TS,
      contentLength: undefined,
    };
    const list = fields.map(([name, value]) => ({ name, value }));
    assert.equal(fastProtocolOf({ ...head, fields: list }), expected);
    assert.equal(fastProtocolOf({ ...head, fields: list, method: "PUT" }), undefined);
    assert.equal(fastProtocolOf({ ...head, fields: list, path: `${GET_TS}?x` }), undefined);
  });
}
