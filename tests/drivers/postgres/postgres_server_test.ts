// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { POSTGRES_MISSING, PostgresServer } from "../../_support/engines/postgres_server.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { synchronousReplica } from "./_support/synchronous_replica.ts";

ioTestNeeding(
  POSTGRES_MISSING,
  "a server keeps its data over the kill of all its processes, and of the first one",
  async () => {
    await using server = await PostgresServer.start();
    await server.sql("create table kept (n int); insert into kept values (1)");
    await server.kill();
    await server.serve();
    assert.equal(await server.sql("select n from kept"), "1");
    await server.killPostmaster();
    await server.serve();
    assert.equal(await server.sql("select n from kept"), "1");
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "a replica follows its primary, and leads once it is promoted",
  async () => {
    await using primary = await PostgresServer.start();
    await using replica = await synchronousReplica(primary);
    await primary.sql("create table kept (n int); insert into kept values (1)");
    await primary.kill();
    await replica.sql("select pg_promote()");
    assert.equal(await replica.sql("select n from kept"), "1");
  },
);
