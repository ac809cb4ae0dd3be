// SPDX-License-Identifier: Apache-2.0

import { ClusterDriver } from "../../../src/drivers/cluster/driver.ts";
import { POSTGRES_MISSING, PostgresServer } from "../../_support/engines/postgres_server.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { conformOnEngine } from "../cluster/_support/relay_harness.ts";
import type { EngineAccess } from "../cluster/_support/relay_harness.ts";
import { storeOn } from "./_support/store.ts";

ioTestNeeding(
  POSTGRES_MISSING,
  "a cluster driver on PostgreSQL keeps the driver contract",
  async (t) => {
    await using server = await PostgresServer.start();
    const storeOf = ({ address, name }: EngineAccess) => {
      const url = new URL(server.url());
      url.host = address;
      return storeOn(server, { urls: [url.href], name });
    };
    await conformOnEngine(t, "PostgreSQL:", {
      address: new URL(server.url()).host,
      openStore: storeOf,
      openDriver: ({ endpoint, maxSequenceKeys, ...access }) =>
        new ClusterDriver({
          store: storeOf(access),
          endpoint,
          maxSequenceKeys,
          callTimeoutMs: 2_000,
        }),
    });
  },
);
