// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { PermanentError } from "../../src/consensus/errors.ts";
import { MemoryDriver } from "../../src/drivers/memory/driver.ts";
import {
  checkDriverConformance,
  testDriverConformance,
} from "../../src/testing/driver_conformance.ts";
import type { ConformanceResult } from "../../src/testing/driver_conformance.ts";
import { driverWithout } from "../../src/testing/driver_without.ts";
import { RefusesASecondConsumerInItsOwnWords } from "./_support/broken_leadership.ts";
import { BROKEN_DRIVERS, NEVER } from "./_support/broken_drivers.ts";
import { modelHarness, ModelNode } from "./_support/model_cluster.ts";
import type { ModelCluster } from "./_support/model_cluster.ts";

/** Long enough for any check of the model, which waits for nothing outside the process. */
const PATIENCE_MS = 200;
/** For a machine so busy that a check does not come to its verdict by then. */
const CALM_MS = 60_000;

const memory = {
  open: () => Promise.resolve(new MemoryDriver()),
  close: () => Promise.resolve(),
};

function idsOf(results: readonly ConformanceResult[], outcome: ConformanceResult["outcome"]) {
  return results.filter((result) => result.outcome === outcome).map(({ id }) => id);
}

Deno.test("checkDriverConformance() passes a driver that keeps the contract, in every check", async () => {
  const results = await checkDriverConformance(modelHarness());
  assert.deepEqual(results.filter(({ outcome }) => outcome !== "passed"), []);
});

Deno.test("checkDriverConformance() passes a driver that refuses a second consumer", async () => {
  class Refuses extends RefusesASecondConsumerInItsOwnWords {
    override refusal(): Error {
      return new PermanentError("another consumer reads");
    }
  }
  const results = await checkDriverConformance(modelHarness(Refuses));
  assert.deepEqual(results.filter(({ outcome }) => outcome !== "passed"), []);
});

Deno.test("every check of the conformance suite has a driver that it must reject", async () => {
  const results = await checkDriverConformance(modelHarness());
  assert.deepEqual(results.map(({ id }) => id), Object.keys(BROKEN_DRIVERS));
});

for (const [id, drivers] of Object.entries(BROKEN_DRIVERS)) {
  for (const [Broken, message] of drivers) {
    Deno.test(`the conformance check ${id} rejects the driver ${Broken.name}`, async () => {
      const harness = {
        ...modelHarness(Broken),
        patienceMs: message === NEVER ? PATIENCE_MS : CALM_MS,
      };
      const [result] = await checkDriverConformance(harness, { only: [id] });
      assert.deepEqual([result?.id, result?.outcome], [id, "failed"]);
      assert.ok(result?.error instanceof Error);
      assert.match(result.error.message, message);
    });
  }
}

Deno.test("checkDriverConformance() says which checks it could not try, and why", async () => {
  const open = () =>
    Promise.resolve(driverWithout(new MemoryDriver(), ["loadLeases", "persistLeases"]));
  const results = await checkDriverConformance({ ...memory, open, without: ["leases"] });
  assert.deepEqual(idsOf(results, "failed"), []);
  const reasons = new Map(results.map(({ id, reason }) => [id, reason]));
  assert.equal(reasons.get("persist-at-least"), undefined);
  assert.equal(reasons.get("persist-fenced"), "the harness has no 'supersede'");
  assert.equal(
    reasons.get("certain-until-ends-first"),
    "the harness has no 'standby' and no 'silence'",
  );
  assert.equal(reasons.get("leases-order"), "the driver has no leases");
  const untried = results.filter(({ reason }) => reason !== undefined).map(({ id }) => id);
  assert.deepEqual(idsOf(results, "not-tried"), untried);
});

Deno.test("checkDriverConformance() refuses ids of checks that there are not", async () => {
  await assert.rejects(
    checkDriverConformance(memory, { only: ["persist-range", "persist-rnage"] }),
    {
      name: "RangeError",
      message: "Cannot check as 'only' must have ids of checks: current value has persist-rnage",
    },
  );
});

Deno.test("checkDriverConformance() passes a driver without the optional methods that says so", async () => {
  const without = ["sequences", "leases"] as const;
  const open = () => Promise.resolve(driverWithout(new MemoryDriver()));
  const results = await checkDriverConformance({ ...memory, open, without });
  assert.deepEqual(idsOf(results, "failed"), []);
});

Deno.test("checkDriverConformance() rejects a driver that has half of what it says to lack", async () => {
  const open = () => Promise.resolve(driverWithout(new MemoryDriver(), ["advanceDenseBatch"]));
  const results = await checkDriverConformance({ ...memory, open, without: ["sequences"] });
  assert.deepEqual(idsOf(results, "failed"), ["has-sequences"]);
});

Deno.test("testDriverConformance() registers each check once, with its id, and those not tried visibly", async () => {
  const tests = new Map<string, () => Promise<void>>();
  testDriverConformance("It", { ...memory, test: (name, fn) => tests.set(name, fn) });
  const results = await checkDriverConformance(memory);
  const names = [...tests.keys()];
  const expected = results.map(({ id, title, reason }) =>
    `It ${title} (${id})${reason === undefined ? "" : `: NOT TRIED, ${reason}`}`
  );
  assert.deepEqual(names, expected);
  for (const fn of tests.values()) await fn();
});

Deno.test("testDriverConformance() gives what is not tried to 'skip' if there is one", async () => {
  const tests: string[] = [];
  const skipped: string[] = [];
  testDriverConformance("It", {
    ...memory,
    test: (name) => tests.push(name),
    skip: (name) => skipped.push(name),
  });
  const untried = idsOf(await checkDriverConformance(memory), "not-tried");
  assert.equal(skipped.length, untried.length);
  assert.ok(skipped.every((name) => /NOT TRIED/.test(name)), skipped.join());
  assert.ok(!tests.some((name) => /NOT TRIED/.test(name)), tests.join());
});

Deno.test("testDriverConformance() fails the test of a check that a driver does not pass", async () => {
  class AnswersMinusOne extends ModelNode {
    override loadHighWater(): Promise<number> {
      return Promise.resolve(-1);
    }
  }
  const tests = new Map<string, () => Promise<void>>();
  testDriverConformance("It", {
    ...modelHarness(AnswersMinusOne),
    test: (name, fn) => tests.set(name, fn),
  });
  const test = tests.get("It loadHighWater() of an empty store is 0 (load-of-empty-store-is-0)");
  await assert.rejects(test?.() ?? Promise.resolve());
});

Deno.test("checkDriverConformance() closes what it has opened, standbys first, also after a failure", async () => {
  const opened: ModelNode[] = [];
  class Counted extends ModelNode {
    constructor(cluster: ModelCluster) {
      super(cluster);
      opened.push(this);
    }
  }
  const harness = modelHarness(Counted);
  const closed: ModelNode[] = [];
  const close = async (node: ModelNode) => {
    closed.push(node);
    await harness.close(node);
  };
  await checkDriverConformance({ ...harness, close }, { only: ["certain-until-ends-first"] });
  assert.equal(opened.length, 2);
  assert.deepEqual(closed, opened.toReversed());
});
