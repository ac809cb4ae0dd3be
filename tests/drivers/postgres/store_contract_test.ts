// SPDX-License-Identifier: Apache-2.0

import { POSTGRES_MISSING, PostgresServer } from "../../_support/engines/postgres_server.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { testStoreContract } from "../cluster/_support/store_contract.ts";
import type { StoreRig } from "../cluster/_support/store_contract.ts";
import { storeOn } from "./_support/store.ts";
import type { OpenStore } from "./_support/store.ts";

ioTestNeeding(
  POSTGRES_MISSING,
  "PostgresStore keeps the contract of a cluster store",
  async (t) => {
    await using server = await PostgresServer.start();
    const cases: (readonly [string, () => Promise<void>])[] = [];
    testStoreContract("PostgresStore", {
      test: (name, fn) => cases.push([name, fn]),
      canBeSilent: true,
      open: () => Promise.resolve(rigOn(server)),
    });
    for (const [name, fn] of cases) await t.step(name, fn);
  },
);

/** The clients of one case: a name of its own stands for an empty database. */
function rigOn(server: PostgresServer): StoreRig {
  const name = `contract-${crypto.randomUUID()}`;
  const stores: OpenStore[] = [];
  return {
    connect: () => {
      const store = storeOn(server, { name });
      stores.push(store);
      return store;
    },
    silence: () => server.pause(),
    close: async () => {
      await Promise.all(stores.map((store) => store.close()));
      server.resume();
    },
  };
}
