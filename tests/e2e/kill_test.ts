// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { delay } from "@std/async";
import { lastingAddress } from "../_support/lasting_port.ts";
import { ioTest, scaled } from "../_support/levels.ts";
import { ServerProcess } from "../_support/server_process.ts";
import { JUMP, startClockedServer } from "./_support/clocked_server.ts";
import type { LifeCall } from "./_support/load.ts";
import { checkLives, Load } from "./_support/load.ts";

/** Windows so short that the server writes its state all the time, and is killed in the midst of it. */
const BUSY_DISK = ["--window-ahead", "30ms", "--failover-advance", "1ms"] as const;

const HALF_AN_HOUR_MS = 1_800_000;

/** On a port that nobody else gets when it is killed: its callers may knock once more. */
function startIn(directory: string): Promise<ServerProcess> {
  return ServerProcess.start({ directory, listen: lastingAddress(), flags: BUSY_DISK });
}

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "tsoracle-" });
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** A moment without any relation to what the server does. */
async function randomMoment(withinMs: number): Promise<void> {
  await delay(Math.random() * withinMs);
}

ioTest("serve killed at random moments under load never repeats and never steps back", async () => {
  const calls: LifeCall[] = [];
  await inDirectory(async (directory) => {
    for (let life = 0; life < scaled(10, 100); life++) {
      await using server = await startIn(directory);
      await using load = new Load(server.address, life, calls);
      await load.more(1 + Math.floor(Math.random() * 30));
      await randomMoment(60);
      await server.kill();
      await load.broken();
    }
  });
  checkLives(calls);
  assert.equal(new Set(calls.map(({ life }) => life)).size, scaled(10, 100));
});

ioTest("serve killed while it starts never stands in the way of the next start", async () => {
  const calls: LifeCall[] = [];
  await inDirectory(async (directory) => {
    for (let life = 0; life < scaled(3, 30); life++) {
      await ServerProcess.killWhileStarting(directory, () => randomMoment(400));
      await using server = await startIn(directory);
      await using load = new Load(server.address, life, calls);
      await load.more(1);
      await server.kill();
    }
  });
  checkLives(calls);
});

ioTest("serve that is paused again and again under load never steps back", async () => {
  const calls: LifeCall[] = [];
  await using server = await ServerProcess.start({ flags: BUSY_DISK });
  await using load = new Load(server.address, 0, calls);
  for (let pause = 0; pause < scaled(5, 50); pause++) {
    await load.more(20);
    server.signal("SIGSTOP");
    await randomMoment(100);
    server.signal("SIGCONT");
  }
  await load.more(20);
  await load.finish();
  checkLives(calls);
});

ioTest("serve killed while it is paused does not hold its directory", async () => {
  const calls: LifeCall[] = [];
  await inDirectory(async (directory) => {
    for (let life = 0; life < 2; life++) {
      await using server = await startIn(directory);
      await using load = new Load(server.address, life, calls);
      await load.more(20);
      server.signal("SIGSTOP");
      await server.kill();
      await load.broken();
    }
  });
  checkLives(calls);
});

ioTest("an oracle on the file driver never steps back when the wall clock does", async () => {
  const calls: LifeCall[] = [];
  const hour = 3_600_000;
  const offsets = [0, -hour, 2 * hour, -2 * hour, 0, hour];
  await inDirectory(async (directory) => {
    for (const [life, offsetMs] of offsets.entries()) {
      await using server = await startClockedServer(directory, offsetMs);
      await using load = new Load(server.address, life, calls);
      await load.more(30);
      await server.kill();
      await load.broken();
    }
  });
  checkLives(calls);
});

ioTest(
  "an oracle on the file driver goes on, and only upwards, while the wall clock jumps",
  async () => {
    const calls: LifeCall[] = [];
    await inDirectory(async (directory) => {
      await using server = await startClockedServer(directory, 0);
      await using load = new Load(server.address, 0, calls);
      for (let jump = 0; jump < scaled(9, 90); jump++) {
        await load.more(20);
        server.signal(JUMP);
      }
      await load.more(20);
      await load.finish();
    });
    checkLives(calls);
    const highestMs = calls.reduce((ms, call) => Math.max(ms, Number(call.firstPacked >> 18n)), 0);
    assert.ok(highestMs > Date.now() + HALF_AN_HOUR_MS, "the clock did not jump");
  },
);
