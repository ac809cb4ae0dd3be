// SPDX-License-Identifier: Apache-2.0

/**
 * A node on PostgreSQL in a process of its own, on Deno or, bundled, on Node. Its argument is the options of the
 * driver as JSON. It leads, writes once of each kind, waits for a line on its standard input, writes once more, and
 * ends. It prints a line of JSON for each step, and the refusal if it is refused.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import type { LeaderEvent } from "../../../src/consensus/driver.ts";
import { PostgresDriver } from "../../../src/drivers/postgres/mod.ts";

function print(what: unknown): void {
  console.log(
    JSON.stringify(what, (_, value) => typeof value === "bigint" ? String(value) : value),
  );
}

/** The stream stays open: its end would be that of the election. */
async function leadWith(driver: PostgresDriver, signal: AbortSignal): Promise<LeaderEvent> {
  const events = driver.leadershipEvents({ signal })[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await events.next();
    if (done) throw new Error("the stream has ended");
    if (value.kind === "leader") return value;
  }
}

async function main(options: string): Promise<void> {
  const driver = new PostgresDriver(JSON.parse(options));
  const end = new AbortController();
  const limit = setTimeout(() => end.abort(), 60_000);
  try {
    await driver.ready({ signal: end.signal });
    const { epoch } = await leadWith(driver, end.signal);
    const highWaterMs = await driver.persistHighWater(1_700_000_000_000, epoch);
    const start = await driver.advanceDense({ key: "orders", count: 5 }, epoch);
    print({ epoch, highWaterMs, start });
    for await (const _line of createInterface({ input: process.stdin })) break;
    const code = await driver.persistHighWater(1_700_000_000_001, epoch).then(
      () => "written",
      (error) => error.code,
    );
    print({ code });
  } catch (error) {
    const { code, message } = error as Error & { readonly code?: string };
    print({ code, message });
  } finally {
    clearTimeout(limit);
    end.abort();
    await driver.close();
    process.stdin.destroy();
  }
}

await main(process.argv[2] ?? "{}");
