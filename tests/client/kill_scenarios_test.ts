// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { delay } from "@std/async";
import { SeqUncertainError } from "../../src/client/errors.ts";
import { GapChecker } from "../../src/testing/gap_checker.ts";
import { lastingAddress } from "../_support/lasting_port.ts";
import { ioTest, scaled } from "../_support/levels.ts";
import { ServerProcess } from "../_support/server_process.ts";
import { until } from "./scenarios/_support/expect.ts";
import { Load } from "./scenarios/_support/load.ts";
import { Witness } from "./scenarios/_support/witness.ts";

const KEY = "orders";
/** Ordinals per request: one size for all, so that the checker has one way to fill a gap. */
const BLOCK = 3;
/** Renewed at a third of it; it outlasts a restart on a busy machine. */
const LEASE_TTL_MS = 20_000;
/** Windows so short that the server writes its state all the time, and is killed in the midst of it. */
const BUSY_DISK = ["--window-ahead", "30ms", "--failover-advance", "1ms"] as const;
/** A server needs a second or two to start. */
const PATIENT = { maxAttempts: 1_000, timeoutMs: 120_000, baseBackoffMs: 20 } as const;

/** Kills the server at a moment without any relation to what it does, and starts it on the same port. */
async function killAndRestart(server: ServerProcess): Promise<ServerProcess> {
  const { directory, address: listen } = server;
  await delay(Math.random() * 60);
  await server.kill();
  return await ServerProcess.start({ directory, listen, flags: BUSY_DISK });
}

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "tsoracle-" });
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

ioTest(
  "TsoClient goes on through kills of its server: no call fails, nothing comes twice or goes back, no ordinal is missing, and the lease holds",
  async () => {
    const { TsoClient } = await import("../../src/client/mod.ts");
    await inDirectory(async (directory) => {
      const listen = lastingAddress();
      let server = await ServerProcess.start({ directory, listen, flags: BUSY_DISK });
      await using client = new TsoClient({ endpoints: [server.address], retry: PATIENT });
      try {
        const witness = new Witness(client);
        const checker = new GapChecker();
        const lease = await client.holdLease("group-a", { ttlMs: LEASE_TTL_MS });
        const { leaseId, boundMs } = lease;
        await using timestamps = new Load(8, () => witness.getTs());
        await using ranges = new Load(4, () => witness.getTsBatch(1_000));
        await using ordinals = new Load(4, async () => {
          try {
            checker.received(await client.getSeq(KEY, BLOCK));
          } catch (error) {
            if (!(error instanceof SeqUncertainError)) throw error;
            checker.unknown(BLOCK);
          }
        });
        const loads = [timestamps, ranges, ordinals];
        const more = () => Promise.all(loads.map((load) => load.more(40)));
        for (let kill = 0; kill < scaled(2, 30); kill++) {
          await more();
          const stampedMs = lease.boundMs;
          server = await killAndRestart(server);
          // Up to there its holder may have stamped timestamps of its own.
          assert.ok((await witness.getTs()).physicalMs > stampedMs);
        }
        await more();
        await Promise.all(loads.map((load) => load.finish()));
        const { start: final } = await client.getSeq(KEY);
        witness.check();
        assert.deepEqual(checker.check(final), []);
        await until("a renewal", () => lease.boundMs > boundMs || lease.signal.aborted);
        assert.ok(!lease.signal.aborted, `the lease was lost: ${lease.signal.reason}`);
        assert.equal(lease.leaseId, leaseId);
        assert.ok(lease.mayStamp(boundMs));
      } finally {
        await client.close();
        await server.kill();
      }
    });
  },
);
