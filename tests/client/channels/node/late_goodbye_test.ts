// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { TsoClient } from "../../../../src/client/mod.ts";
import { MemoryDriver } from "../../../../src/drivers/memory/mod.ts";
import { serve } from "../../../../src/net/mod.ts";
import type { OracleServer } from "../../../../src/net/mod.ts";
import { Oracle } from "../../../../src/server/mod.ts";
import { ioTest } from "../../../_support/levels.ts";
import { soon, until } from "../../../net/_support/until.ts";
import { SlowLine } from "./_support/slow_line.ts";

/** A client whose server stops, and another server of the same oracle behind the same address. */
interface Rig {
  readonly client: TsoClient;
  readonly line: SlowLine;
  readonly first: OracleServer;
  readonly second: OracleServer;
}

async function play(run: (rig: Rig) => Promise<void>): Promise<void> {
  await using oracle = new Oracle({ driver: new MemoryDriver(), heartbeatIntervalMs: 0 });
  await oracle.untilServing();
  await using first = await serve(oracle, { port: 0, edge: "http2" });
  await using second = await serve(oracle, { port: 0, edge: "http2" });
  await using line = await SlowLine.open(first.port);
  const client = new TsoClient({ endpoints: [line.address] });
  try {
    assert.equal((await client.getSeq("bills")).start, 0n);
    await client.getTs();
    line.targetPort = second.port;
    await run({ client, line, first, second });
  } finally {
    await client.close();
  }
}

/** Calls of every kind, all of which have to be answered. */
async function callsOf(client: TsoClient): Promise<readonly bigint[]> {
  const sequences = [client.getSeq("bills", 2), client.getSeq("bills", 3)];
  const batch = client.getSeqBatch([{ key: "bills", count: 4 }]);
  const [grants, { blocks }] = await Promise.all([Promise.all(sequences), batch, client.getTs()]);
  return [...grants, ...blocks].flatMap(({ start, count }) =>
    Array.from({ length: count }, (_, i) => start + BigInt(i))
  );
}

/** The first server begins to stop while calls are on their way to it. */
async function closeWhileCalled({ client, line, first }: Rig) {
  line.hold();
  const calls = callsOf(client);
  await until("calls on their way", () => line.isHolding);
  return { calls, closed: first.close() };
}

/** Each ordinal once, and none left out. */
async function assertGapless(client: TsoClient, taken: readonly bigint[]): Promise<void> {
  const inOrder = taken.toSorted((a, b) => Number(a - b));
  assert.deepEqual(inOrder, [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n]);
  assert.equal((await client.getSeq("bills")).start, 10n);
}

ioTest(
  "calls that reach a server after its goodbye is in force are made at another one, once",
  () =>
    play(async (rig) => {
      const { client, line, second } = rig;
      const { calls, closed } = await closeWhileCalled(rig);
      await assertGapless(client, await soon("the answers", calls));
      assert.equal(second.connections, 1);
      assert.deepEqual(await soon("the close", closed), { kind: "closed" });
      line.release();
      assert.equal(line.connections, 2);
    }),
);

ioTest(
  "calls that reach a server after it has begun to say goodbye are answered by it",
  () =>
    play(async (rig) => {
      const { client, line, second } = rig;
      const { calls, closed } = await closeWhileCalled(rig);
      line.release();
      const taken = await soon("the answers", calls);
      assert.equal(second.connections, 0);
      assert.deepEqual(await soon("the close", closed), { kind: "closed" });
      await assertGapless(client, taken);
      assert.equal(line.connections, 2);
    }),
);

ioTest(
  "an idle client hears of a goodbye, however late its answer is, and makes its next call elsewhere",
  () =>
    play(async ({ client, line, first, second }) => {
      line.hold();
      assert.deepEqual(await soon("the close", first.close()), { kind: "closed" });
      assert.equal((await client.getSeq("bills")).start, 1n);
      assert.equal(second.connections, 1);
      line.release();
    }),
);
