// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { FileDriver } from "../../src/drivers/file/driver.ts";
import { GapChecker } from "../../src/testing/gap_checker.ts";
import { ioTest, scaled } from "../_support/levels.ts";
import { FileChild } from "./_support/file_child.ts";
import { liveAndDie, seededRandom } from "./_support/life.ts";
import { StateDir } from "./_support/state_dir.ts";
import { writeStepsOf } from "./_support/steps.ts";

const KEYS = ["orders", "users"] as const;

/** A line of a child: what a call asks for, or what it received. */
interface Line {
  readonly call: number;
  readonly asked?: ReadonlyArray<{ readonly key: string; readonly count: number }>;
  readonly starts?: readonly string[];
}

/** Where each counter stands. */
async function countersOf(directory: string): Promise<Map<string, bigint>> {
  await using driver = await FileDriver.open({ directory });
  const next = async (key: string) => [key, await driver.loadDenseSeq(key)] as const;
  return new Map(await Promise.all(KEYS.map(next)));
}

/** Checks one life: what was received, and some of what was asked for last, tile what the counters moved. */
async function checkLife(
  dir: StateDir,
  printed: readonly string[],
  before: ReadonlyMap<string, bigint>,
): Promise<Map<string, bigint>> {
  const after = await countersOf(dir.path);
  const lines = printed.map((line): Line => JSON.parse(line));
  const starts = new Map(
    lines.filter((line) => line.starts).map(({ call, starts }) => [call, starts]),
  );
  for (const key of KEYS) {
    const begin = before.get(key) ?? 0n;
    const checker = new GapChecker();
    for (const { call, asked = [] } of lines) {
      const at = asked.findIndex((each) => each.key === key);
      const count = asked[at]?.count;
      if (count === undefined) continue;
      const start = starts.get(call)?.[at];
      if (start === undefined) checker.unknown(count);
      else checker.received({ start: BigInt(start) - begin, count });
    }
    assert.deepEqual(checker.check((after.get(key) ?? 0n) - begin), [], key);
  }
  return after;
}

for (const [runtime, kills] of [["deno", scaled(6, 100)], ["node", scaled(2, 30)]] as const) {
  ioTest(
    `FileDriver gives each ordinal out once, without a gap, over ${kills} kills of ${runtime}`,
    async () => {
      await using dir = await StateDir.make();
      const random = seededRandom();
      let counters = new Map<string, bigint>();
      for (let kill = 0; kill < kills; kill++) {
        const lines = await liveAndDie(["take", dir.path], { runtime, random });
        counters = await checkLife(dir, lines, counters);
      }
      assert.ok((counters.get("orders") ?? 0n) > BigInt(kills), "the children took nothing");
    },
  );
}

for (const step of writeStepsOf("dense")) {
  ioTest(`FileDriver killed at ${step} gives each ordinal out once, without a gap`, async () => {
    await using dir = await StateDir.make();
    await using child = await FileChild.start(["take", dir.path, step]);
    const lines = await child.rest();
    assert.equal((await child.ended()).signal, "SIGKILL");
    assert.ok(lines.some((line) => line.includes("starts")), "the child received nothing");
    await checkLife(dir, lines, new Map());
  });
}

/** The one lease that is left is the last acknowledged or the next. */
async function checkLeases(
  dir: StateDir,
  lines: readonly string[],
  before: number,
): Promise<number> {
  await using driver = await FileDriver.open({ directory: dir.path });
  const acknowledged = Number(lines.at(-1) ?? before);
  const [lease, ...more] = await driver.loadLeases();
  const found = lease?.leaseId ?? 0;
  assert.deepEqual(more, []);
  assert.ok(found === acknowledged || found === acknowledged + 1, `${found} is left of ${lines}`);
  return found;
}

ioTest(`FileDriver keeps acknowledged leases over ${scaled(3, 50)} kills`, async () => {
  await using dir = await StateDir.make();
  const random = seededRandom();
  let found = 0;
  for (let kill = 0; kill < scaled(3, 50); kill++) {
    const lines = await liveAndDie(["lease", dir.path], { runtime: "deno", random });
    found = await checkLeases(dir, lines, found);
  }
});

for (const step of writeStepsOf("leases")) {
  ioTest(`FileDriver killed at ${step} keeps acknowledged leases`, async () => {
    await using dir = await StateDir.make();
    await using child = await FileChild.start(["lease", dir.path, step]);
    const lines = await child.rest();
    assert.equal((await child.ended()).signal, "SIGKILL");
    assert.ok(lines.length > 0, "the child acknowledged nothing");
    await checkLeases(dir, lines, 0);
  });
}
