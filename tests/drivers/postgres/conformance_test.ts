// SPDX-License-Identifier: Apache-2.0

import { PostgresDriver } from "../../../src/drivers/postgres/driver.ts";
import { POSTGRES_MISSING, PostgresServer } from "../../_support/engines/postgres_server.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { conformOnEngine } from "../cluster/_support/relay_harness.ts";
import { storeOn } from "./_support/store.ts";

/** Longer than a busy disk makes a write wait. */
const CALL_TIMEOUT_MS = 6_000;

ioTestNeeding(
  POSTGRES_MISSING,
  "PostgresDriver keeps every promise of a driver",
  async (t) => {
    await using server = await PostgresServer.start({ settings: { max_connections: "120" } });
    const { host } = new URL(server.url());
    const urlsOf = (address: string) => [server.url().replace(host, address)];
    await conformOnEngine(t, "PostgresDriver:", {
      address: host,
      openStore: ({ address, name }) => storeOn(server, { urls: urlsOf(address), name }),
      openDriver: ({ address, name: prefix, endpoint, maxSequenceKeys }) =>
        new PostgresDriver({
          urls: urlsOf(address),
          prefix,
          endpoint,
          maxSequenceKeys,
          callTimeoutMs: CALL_TIMEOUT_MS,
        }),
    });
  },
);
