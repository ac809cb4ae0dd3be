// SPDX-License-Identifier: Apache-2.0

/**
 * What the steps of one call cost, each on its own: `deno bench bench/core_bench.ts`. For ratios on one
 * machine; the figures of docs/performance.md come from `deno task bench`.
 *
 * @module
 */

import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { decodeStateRecord, encodeStateRecord } from "../src/drivers/file/state_record.ts";
import { MemoryDriver } from "../src/drivers/memory/mod.ts";
import { GetTsResponseSchema } from "../src/gen/tsoracle/v1/tso_pb.ts";
import {
  Allocator,
  epochToHalves,
  Oracle,
  packTimestamp,
  PHYSICAL_MS_MAX,
  unpackTimestamp,
} from "../src/server/mod.ts";

const NOW_MS = 1_800_000_000_000;
const EPOCH = 7n;
const HOUR_MS = 3_600_000;
const PACKED = packTimestamp(NOW_MS, 42);
const RECORD = encodeStateRecord(NOW_MS);

function leadingAllocator(): Allocator {
  const allocator = new Allocator();
  allocator.becomeLeader(NOW_MS, PHYSICAL_MS_MAX, EPOCH);
  return allocator;
}

/** One more than the call before, so that the clock moves with each of them. */
function makeTicker(): () => number {
  let tick = NOW_MS;
  return () => tick++;
}

const still = leadingAllocator();
const moving = leadingAllocator();
const nextMs = makeTicker();
/** Its window outlasts the run: benches block the event loop, and no extension could end. */
const oracle = new Oracle({
  driver: new MemoryDriver(),
  windowAheadMs: HOUR_MS,
  failoverAdvanceMs: HOUR_MS,
  heartbeatIntervalMs: 0,
});
await oracle.untilServing();

Deno.bench("packTimestamp()", { group: "timestamp", baseline: true }, () => {
  packTimestamp(NOW_MS, 42);
});

Deno.bench("unpackTimestamp()", { group: "timestamp" }, () => {
  unpackTimestamp(PACKED);
});

Deno.bench("tryGrant(), clock at rest", { group: "allocator", baseline: true }, () => {
  still.tryGrant(NOW_MS, 1);
});

Deno.bench("tryGrant(), clock moving", { group: "allocator" }, () => {
  moving.tryGrant(nextMs(), 1);
});

Deno.bench("tryGrant(), a whole millisecond", { group: "allocator" }, () => {
  still.tryGrant(NOW_MS, 262_144);
});

Deno.bench("wouldGrant()", { group: "allocator" }, () => {
  still.wouldGrant(NOW_MS, 1);
});

Deno.bench("Date.now()", { group: "oracle", baseline: true }, () => {
  Date.now();
});

Deno.bench("getTs()", { group: "oracle" }, () => {
  oracle.getTs(1);
});

Deno.bench("await getTs()", { group: "oracle" }, async () => {
  await oracle.getTs(1);
});

Deno.bench("message, without encoding it", { group: "answer", baseline: true }, () => {
  message();
});

Deno.bench("message to protobuf", { group: "answer" }, () => {
  toBinary(GetTsResponseSchema, message());
});

Deno.bench("message to JSON", { group: "answer" }, () => {
  toJsonString(GetTsResponseSchema, message(), { alwaysEmitImplicit: true });
});

Deno.bench("encodeStateRecord()", { group: "state record", baseline: true }, () => {
  encodeStateRecord(NOW_MS);
});

Deno.bench("decodeStateRecord()", { group: "state record" }, () => {
  decodeStateRecord(RECORD, "state");
});

function message() {
  const { hi, lo } = epochToHalves(EPOCH);
  return create(GetTsResponseSchema, {
    physicalMs: BigInt(NOW_MS),
    logicalStart: 42,
    count: 1,
    epochHi: hi,
    epochLo: lo,
  });
}
