// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { AdvanceOutOfRangeError, PermanentError } from "../../../src/consensus/errors.ts";
import { PostgresDriver } from "../../../src/drivers/postgres/driver.ts";
import { POSTGRES_MISSING, PostgresServer } from "../../_support/engines/postgres_server.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { CALM, leadingStore, storeOn, takeLead } from "./_support/store.ts";

ioTestNeeding(
  POSTGRES_MISSING,
  "PostgresDriver.restore() after a backup was put back: every epoch and timestamp is above all before",
  async () => {
    await using server = await PostgresServer.start();
    const urls = [server.url()];
    await using store = await leadingStore(server);
    const { epoch: first } = store;
    await store.persistHighWater(1_000, first, CALM);
    const moved = new Map([["orders", 5n]]);
    const write = { version: "0", operationId: "one", moved, counters: moved };
    await store.writeSequences(write, first, CALM);
    const putBack = await server.backUp("tsoracle");
    const { epoch: last } = await takeLead(store);
    await store.persistHighWater(5_000, last, CALM);

    await server.sql("drop schema tsoracle cascade");
    await assert.rejects(PostgresDriver.restore({ urls, atLeastMs: 1 }), PermanentError);
    await putBack();
    assert.equal(await store.loadHighWater(CALM), 1_000);
    const options = { urls, atLeastMs: 9_000 };
    await assert.rejects(PostgresDriver.restore(options), PermanentError);
    assert.deepEqual(await PostgresDriver.restore({ ...options, keepSequences: true }), {
      incarnation: 9_000n,
      highWaterMs: 9_000,
      sequences: 1,
      leases: 0,
    });

    await store.prepare(CALM);
    await assert.rejects(store.persistHighWater(6_000, last, CALM), { code: "not-leader" });
    const { epoch } = await takeLead(store);
    assert.ok(epoch > last);
    assert.equal(await store.loadHighWater(CALM), 9_000);

    await server.sql("drop schema tsoracle cascade");
    await putBack();
    await PostgresDriver.restore({ urls, atLeastMs: 9_900, keepSequences: true });
    const { epoch: later } = await takeLead(store);
    assert.ok(later > epoch, "the same backup, restored once more");
    assert.equal(await store.loadSequence("orders", CALM), 5n);
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "PostgresDriver.restore() makes no oracle that was not there, and refuses what does not fit 46 bits",
  async () => {
    await using server = await PostgresServer.start();
    await using store = storeOn(server);
    await store.prepare(CALM);
    const urls = [server.url()];
    const other = PostgresDriver.restore({ urls, prefix: "other", atLeastMs: 1 });
    await assert.rejects(other, (error) => error instanceof PermanentError);
    await assert.rejects(
      PostgresDriver.restore({ urls, atLeastMs: 2 ** 46 }),
      (error) => error instanceof AdvanceOutOfRangeError,
    );
    assert.equal(await store.loadHighWater(CALM), 0);
    assert.equal((await store.readStanding(CALM)).incarnation, 1n);
  },
);
