// SPDX-License-Identifier: Apache-2.0

/**
 * A process of its own around the file driver, for Deno and, bundled, for Node:
 *
 * - `open DIR` opens and closes, and prints what it found as JSON;
 * - `hold DIR` opens, prints `open`, and closes when its standard input ends;
 * - `write DIR` raises the high-water by one;
 * - `load DIR [STEP]` raises the high-water without end and prints each acknowledged value; with STEP it
 *   kills itself when a write of a later round reaches that step;
 * - `take DIR [STEP]` takes ordinals without end, and prints as JSON what it is about to ask for and what it
 *   received, under a number for each call;
 * - `lease DIR [STEP]` replaces the leases without end by one with the next id, and prints each that it was
 *   acknowledged.
 */

import { writeSync } from "node:fs";
import process from "node:process";
import { configure } from "@logtape/logtape";
import { FileDriver, FileStateError } from "../../../src/drivers/file/mod.ts";

const WORKERS = 4;
const ROUNDS_BEFORE_DEATH = 3;

const warnings: string[] = [];

function print(line: string): void {
  writeSync(1, `${line}\n`);
}

async function open(directory: string): Promise<void> {
  try {
    const driver = await FileDriver.open({ directory });
    print(JSON.stringify({ highWaterMs: await driver.loadHighWater(), warnings }));
    await driver.close();
  } catch (error) {
    if (!(error instanceof FileStateError)) throw error;
    print(JSON.stringify({ code: error.code, message: error.message }));
  }
}

async function hold(directory: string): Promise<void> {
  const driver = await FileDriver.open({ directory });
  print("open");
  for await (const _chunk of process.stdin) continue;
  await driver.close();
}

async function write(directory: string): Promise<void> {
  const driver = await FileDriver.open({ directory });
  await driver.persistHighWater(await driver.loadHighWater() + 1, 0n);
  await driver.close();
}

async function load(directory: string, step: string | undefined): Promise<void> {
  const driver = await FileDriver.open({ directory, failpoint: dyingAt(step) });
  let nextMs = await driver.loadHighWater();
  await Promise.all(Array.from({ length: WORKERS }, async () => {
    for (;;) print(String(await driver.persistHighWater(++nextMs, 0n)));
  }));
}

async function take(directory: string, step: string | undefined): Promise<void> {
  const driver = await FileDriver.open({ directory, failpoint: dyingAt(step) });
  let calls = 0;
  await Promise.all(Array.from({ length: WORKERS }, async () => {
    for (;;) {
      const call = calls++;
      const keys = call % 3 === 0 ? ["orders", "users"] : ["orders"];
      const asked = keys.map((key) => ({ key, count: 1 + call % 5 }));
      print(JSON.stringify({ call, asked }));
      const starts = await driver.advanceDenseBatch(asked, 0n);
      print(JSON.stringify({ call, starts: starts.map(String) }));
    }
  }));
}

async function lease(directory: string, step: string | undefined): Promise<void> {
  const driver = await FileDriver.open({ directory, failpoint: dyingAt(step) });
  const [last] = await driver.loadLeases();
  for (let leaseId = 1 + (last?.leaseId ?? 0);; leaseId++) {
    const holder = Uint8Array.of(1);
    const times = { ttlMs: 1, boundMs: 0, expiresAtMs: leaseId + 1 };
    await driver.persistLeases(
      [{ leaseId, holder, holderEpoch: 1n, superseded: false, ...times }],
      0n,
    );
    print(String(leaseId));
  }
}

/** Ends the process as a crash does when a write of a later round reaches a step. */
function dyingAt(step: string | undefined): (name: string) => void {
  let reached = 0;
  return (name) => {
    if (name !== step) return;
    reached++;
    if (reached > ROUNDS_BEFORE_DEATH) process.kill(process.pid, "SIGKILL");
  };
}

const [mode, directory = "", step] = process.argv.slice(2);
await configure({
  sinks: { warnings: (record) => void warnings.push(record.message.join("")) },
  loggers: [
    { category: "tsoracle", sinks: ["warnings"], lowestLevel: "warning" },
    { category: ["logtape", "meta"], sinks: [] },
  ],
});
if (mode === "open") await open(directory);
else if (mode === "hold") await hold(directory);
else if (mode === "write") await write(directory);
else if (mode === "take") await take(directory, step);
else if (mode === "lease") await lease(directory, step);
else await load(directory, step);
