// SPDX-License-Identifier: Apache-2.0

import type { Timestamp } from "../../../src/client/timestamp.ts";
import type { GrantedBlock } from "../_scripted/script.ts";
import { expect, expectSame } from "./_support/expect.ts";
import type { Scenario } from "./_support/scenario.ts";
import { Witness } from "./_support/witness.ts";

const CALLERS = 1_000;
const MAX_COUNT = 262_144;

/** Which of the granted blocks holds a value. */
function blockOf(value: Timestamp, blocks: readonly GrantedBlock[]): number {
  return blocks.findIndex(({ physicalMs, logicalStart, count }) =>
    value.physicalMs === physicalMs && value.logical >= logicalStart &&
    value.logical < logicalStart + count
  );
}

/** One caller. */
export const singleCall: Scenario = {
  name: "a lone call gets a timestamp with one request, and the next one a greater",
  async run(scene) {
    const cluster = await scene.open({});
    const client = scene.connect({ cluster });
    const witness = new Witness(client);
    const first = await witness.getTs();
    expectSame(await cluster.calls(0), 1, "requests for the first call");
    expect(first < await witness.getTs(), "the second timestamp is not greater");
    expectSame(await cluster.calls(0), 2, "requests for two calls");
    expectSame(client.cachedLeader, cluster.address(0), "the leader");
    witness.check();
  },
};

/** Callers of one moment. */
export const sharedRequest: Scenario = {
  name: "1,000 callers of one moment share a request and get timestamps in their order",
  async run(scene) {
    const cluster = await scene.open({});
    const client = scene.connect({ cluster });
    const witness = new Witness(client);
    const values = await Promise.all(Array.from({ length: CALLERS }, () => witness.getTs()));
    for (const [index, value] of values.entries()) {
      const before = values[index - 1];
      expect(
        before === undefined || before < value,
        `caller ${index} is not behind the one before`,
      );
    }
    expectSame(await cluster.calls(0), 1, "requests");
    witness.check();
  },
};

/** The freshness of DESIGN.md, invariant 8. */
export const freshness: Scenario = {
  name: "no value was issued before its caller asked, however slow the server is",
  async run(scene) {
    const cluster = await scene.open({ then: { do: "lead", hold: "after-grant" } });
    const client = scene.connect({ cluster, maxInFlight: 2 });
    const witness = new Witness(client);
    const waves: { readonly issuedBefore: number; readonly values: Promise<Timestamp[]> }[] = [];
    for (const requests of [1, 2, 2, 2]) {
      const issuedBefore = (await cluster.granted()).length;
      const callers = Array.from({ length: 10 }, () => witness.getTs());
      const values = Promise.all(callers);
      values.catch(() => {});
      waves.push({ issuedBefore, values });
      await cluster.arrived(0, requests);
    }
    await cluster.do("release", 0);
    for (const { issuedBefore, values } of waves) {
      for (const value of await values) {
        const block = blockOf(value, await cluster.granted());
        expect(block >= issuedBefore, `${value} is of block ${block}, issued before it was wanted`);
      }
    }
    expectSame(await cluster.calls(0), 3, "requests: two under way, and one for all who waited");
    witness.check();
  },
};

/** Ranges. */
export const batches: Scenario = {
  name: "ranges of callers who share a request lie side by side, up to the largest",
  async run(scene) {
    const cluster = await scene.open({});
    const client = scene.connect({ cluster });
    const witness = new Witness(client);
    const ranges = await Promise.all([1, 1_000, 3].map((count) => witness.getTsBatch(count)));
    const [one, many, few] = ranges;
    expect(one !== undefined && many !== undefined && few !== undefined, "ranges are missing");
    expectSame(many.first.toBigInt(), one.last.toBigInt() + 1n, "the start of the second range");
    expectSame(few.first.toBigInt(), many.last.toBigInt() + 1n, "the start of the third range");
    expectSame(many.at(999).toString(), many.last.toString(), "the last of a thousand");
    const [alone, largest] = await Promise.all([
      witness.getTs(),
      witness.getTsBatch(MAX_COUNT),
    ]);
    expectSame(largest.length, MAX_COUNT, "the length of the largest range");
    expect(alone < largest.first, "the largest range is not behind the caller before it");
    expectSame(
      await cluster.calls(0),
      3,
      "requests: one for three ranges, two for what exceeds one",
    );
    witness.check();
  },
};
