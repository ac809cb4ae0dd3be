// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { FileDriver } from "../../src/drivers/file/driver.ts";
import { ioTest, scaled } from "../_support/levels.ts";
import { FileChild } from "./_support/file_child.ts";
import { liveAndDie, seededRandom } from "./_support/life.ts";
import { StateDir } from "./_support/state_dir.ts";
import { WRITE_STEPS } from "./_support/steps.ts";

/** The children ask for one more than the highest value asked for, so many at a time. */
const ASKED_AHEAD = 4;

async function loaded(directory: string): Promise<number> {
  await using driver = await FileDriver.open({ directory });
  return await driver.loadHighWater();
}

/** The highest value that a child acknowledged before it was killed, at least what it began with. */
function highest(lines: readonly string[], startMs: number): number {
  return lines.reduce((highestMs, line) => Math.max(highestMs, Number(line)), startMs);
}

/** What is durable after a crash: no less than acknowledged, no more than asked for. */
async function checkAfterCrash(dir: StateDir, acknowledgedMs: number): Promise<number> {
  const durableMs = await loaded(dir.path);
  assert.ok(durableMs >= acknowledgedMs, `${durableMs} is left, ${acknowledgedMs} was promised`);
  assert.ok(durableMs <= acknowledgedMs + ASKED_AHEAD, `${durableMs} was never asked for`);
  return durableMs;
}

for (const [runtime, kills] of [["deno", scaled(10, 100)], ["node", scaled(3, 30)]] as const) {
  ioTest(
    `FileDriver keeps every acknowledged high-water over ${kills} kills of ${runtime}`,
    async () => {
      await using dir = await StateDir.make();
      const random = seededRandom();
      let durableMs = 0;
      for (let kill = 0; kill < kills; kill++) {
        const lines = await liveAndDie(["load", dir.path], { runtime, random });
        durableMs = await checkAfterCrash(dir, highest(lines, durableMs));
      }
      assert.ok(durableMs >= kills, "the children wrote nothing");
    },
  );
}

for (const step of WRITE_STEPS) {
  ioTest(`FileDriver killed at ${step} keeps every acknowledged high-water`, async () => {
    await using dir = await StateDir.make();
    await using child = await FileChild.start(["load", dir.path, step]);
    const lines = await child.rest();
    assert.equal((await child.ended()).signal, "SIGKILL");
    assert.ok(lines.length > 0, "the child acknowledged nothing");
    await checkAfterCrash(dir, highest(lines, 0));
  });
}
