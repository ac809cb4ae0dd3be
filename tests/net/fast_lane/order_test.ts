// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { packTimestamp } from "../../../src/core/timestamp.ts";
import { GetTsResponseSchema } from "../../../src/gen/tsoracle/v1/tso_pb.ts";
import { DeadlineQueue } from "../../../src/http2/deadline_queue.ts";
import { DateStamp } from "../../../src/net/date_stamp.ts";
import { AnswerBook } from "../../../src/net/fast_lane/answer_book.ts";
import { FastLane } from "../../../src/net/fast_lane/fast_lane.ts";
import { LaneDesk } from "../../../src/net/fast_lane/lane_desk.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";
import { scaled } from "../../_support/levels.ts";
import { OracleRig } from "../../_support/oracle_rig.ts";
import { EchoSink } from "../../http2/_support/echo.ts";
import { MemoryClient } from "../../http2/_support/memory_client.ts";
import { data, openStream } from "../_support/h2_frames.ts";

const GET_TS = "/tsoracle.v1.TsoService/GetTs";
const ONE = Buffer.from("0801", "hex");
const PREFIX = Buffer.from("0000000002", "hex");

/** A wall clock that counts how often it is looked at. */
class CountingClock extends ManualClock {
  looks = 0;

  override nowMs(): number {
    this.looks += 1;
    return super.nowMs();
  }
}

/** A leading oracle behind a lane, without a socket. What the lane leaves is echoed. */
class Rig implements AsyncDisposable {
  readonly clock = new CountingClock({ nowMs: 1_000_000 });
  readonly node = new OracleRig({ clock: this.clock });
  readonly #waits = new DeadlineQueue(1_000, this.clock);
  readonly #echo = new EchoSink();
  readonly #desk = new LaneDesk({
    source: this.node.oracle,
    waits: this.#waits,
    answers: new AnswerBook(new DateStamp(new ManualClock())),
  });
  readonly client = this.connect();

  static async start(certainUntil?: () => number): Promise<Rig> {
    const rig = new Rig();
    await rig.node.lead(1n, certainUntil);
    rig.clock.looks = 0;
    return rig;
  }

  /** One more client, whose lane shares the desk with those of the others. */
  connect(): MemoryClient {
    const lane = new FastLane({ desk: this.#desk, giveUp: this.#echo.onRequest });
    return MemoryClient.greeted({
      streams: 100,
      route: (head) => lane.route(head) ?? this.#echo,
      onReadEnd: () => this.#desk.onReadEnd(),
    });
  }

  /** The timestamp that was granted on a stream, packed; nothing if it was left to others. */
  grantOn(stream: number, client = this.client): bigint | undefined {
    const body = Buffer.from(client.bodyOf(stream), "latin1");
    const message = isGrpc(stream) ? body.subarray(5) : body;
    if (message.equals(ONE)) return undefined;
    const { physicalMs, logicalStart } = fromBinary(GetTsResponseSchema, message);
    return packTimestamp(Number(physicalMs), logicalStart);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    this.#waits.clear();
    await this.node[Symbol.asyncDispose]();
  }
}

/** Every second call is one of Connect. */
function isGrpc(stream: number): boolean {
  return stream % 4 === 1;
}

function open(stream: number): Buffer {
  const type = isGrpc(stream) ? "application/grpc" : "application/proto";
  return openStream(stream, GET_TS, [["content-type", type]]);
}

function body(stream: number): Buffer {
  return data(stream, isGrpc(stream) ? Buffer.concat([PREFIX, ONE]) : ONE, true);
}

function msOf(timestamp: bigint | undefined): number {
  return Number((timestamp ?? 0n) >> 18n);
}

Deno.test("all grants of a read follow one sample of the wall clock", async () => {
  await using rig = await Rig.start();
  rig.client.send(...[1, 3, 5, 7].flatMap((stream) => [open(stream), body(stream)]));
  assert.equal(rig.clock.looks, 1);
  assert.equal([1, 3, 5, 7].filter((stream) => rig.grantOn(stream) !== undefined).length, 4);
  rig.client.send(open(9), body(9));
  assert.equal(rig.clock.looks, 2);
  rig.client.send(open(11));
  assert.equal(rig.clock.looks, 2, "there was nothing to grant");
});

Deno.test("the sample is taken after the last byte of the request has come", async () => {
  await using rig = await Rig.start();
  rig.client.send(open(1), body(1), open(3), body(3).subarray(0, -1));
  rig.clock.jumpTo(1_000_500);
  rig.client.send(body(3).subarray(-1));
  assert.equal(msOf(rig.grantOn(1)), 1_000_000);
  assert.equal(msOf(rig.grantOn(3)), 1_000_500);
});

Deno.test("a read that breaks its connection leaves no sample to the reads of others", async () => {
  await using rig = await Rig.start();
  using other = rig.connect();
  rig.client.send(open(1), body(1), Buffer.from("no frame at all"));
  assert(rig.client.connection.isOver);
  rig.clock.jumpTo(1_000_500);
  other.send(open(1), body(1));
  assert.equal(msOf(rig.grantOn(1, other)), 1_000_500);
});

Deno.test("a grant that fails ends its connection, and leaves no sample to the reads of others", async () => {
  await using rig = await Rig.start();
  using other = rig.connect();
  const { oracle } = rig.node;
  oracle.getTsNow = () => {
    throw new Error("no grant");
  };
  rig.client.send(open(1), body(1));
  assert.deepEqual([rig.client.faults.length, rig.client.connection.isOver], [1, true]);
  Reflect.deleteProperty(oracle, "getTsNow");
  rig.clock.jumpTo(1_000_500);
  other.send(open(1), body(1));
  assert.equal(msOf(rig.grantOn(1, other)), 1_000_500);
});

Deno.test("certainty is looked at before each grant of a read", async () => {
  let isCertain = 2;
  await using rig = await Rig.start(() => 10_000);
  rig.node.driver.announce({
    kind: "leader",
    epoch: 1n,
    certainUntil: () => isCertain-- > 0 ? 10_000 : -Infinity,
  });
  await rig.client.advance();
  isCertain = 2;
  rig.client.send(...[1, 3, 5, 7].flatMap((stream) => [open(stream), body(stream)]));
  const granted = [1, 3, 5, 7].map((stream) => rig.grantOn(stream) !== undefined);
  assert.deepEqual(granted, [true, true, false, false]);
});

Deno.test("calls are granted in the order in which their last bytes are read, whatever their protocol", async () => {
  const streams = [1, 3, 5, 7, 9, 11];
  const orders = fc.shuffledSubarray(streams, { minLength: streams.length });
  const property = fc.asyncProperty(orders, fc.array(fc.nat(400)), async (order, cuts) => {
    await using rig = await Rig.start();
    const bytes = Buffer.concat([...streams.map(open), ...order.map(body)]);
    const places = [...cuts.map((at) => at % bytes.length).sort((a, b) => a - b), bytes.length];
    let from = 0;
    for (const to of places) {
      rig.client.send(bytes.subarray(from, to));
      from = to;
    }
    const grants = order.map((stream) => rig.grantOn(stream) ?? 0n);
    assert.deepEqual(grants, [...grants].sort((a, b) => a < b ? -1 : 1));
    assert.equal(new Set(grants).size, streams.length);
    assert(!grants.includes(0n));
  });
  await fc.assert(property, { numRuns: scaled(50, 5_000) });
});
