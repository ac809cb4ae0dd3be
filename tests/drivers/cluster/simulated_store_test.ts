// SPDX-License-Identifier: Apache-2.0

import { SystemClock } from "../../../src/clock/system_clock.ts";
import { SimulatedEngine } from "./_support/simulated_engine.ts";
import { SimulatedStore } from "./_support/simulated_store.ts";
import { testStoreContract } from "./_support/store_contract.ts";

testStoreContract("SimulatedStore", {
  test: (name, fn) => Deno.test(name, fn),
  canBeSilent: true,
  open: () => {
    const engine = new SimulatedEngine();
    const stores: SimulatedStore[] = [];
    const connect = () => {
      const store = new SimulatedStore({ engine, clock: new SystemClock() });
      stores.push(store);
      return store;
    };
    return Promise.resolve({
      connect,
      silence: () => stores.forEach(({ link }) => link.cut()),
      close: async () => {
        await Promise.all(stores.map((store) => store.close()));
      },
    });
  },
});
