// SPDX-License-Identifier: Apache-2.0

import { consensusCodeOf } from "../../../../src/consensus/errors.ts";
import type { Clock } from "../../../../src/core/clock.ts";
import type { Epoch } from "../../../../src/core/epoch.ts";
import type {
  ClusterStore,
  LeaseWrite,
  StoreCallOptions,
} from "../../../../src/drivers/cluster/store.ts";

type Methods = Partial<ClusterStore>;

/** A store some of whose methods are others. */
function withMethods(store: ClusterStore, methods: Methods): ClusterStore {
  return new Proxy(store, {
    get(target, name) {
      const method = Reflect.get(methods, name) ?? Reflect.get(target, name, target);
      return typeof method === "function" ? method.bind(target) : method;
    },
  });
}

/** A store that hears of a resignation and does not write it. */
export function resignsNot(store: ClusterStore): ClusterStore {
  return withMethods(store, { resign: () => Promise.resolve() });
}

/** A store that makes a replacement of leases which was not answered after the next one that was. */
export function insistsOnLeases(store: ClusterStore): ClusterStore {
  let late: LeaseWrite | undefined;
  return withMethods(store, {
    writeLeases: async (write, epoch, options) => {
      try {
        const outcome = await store.writeLeases(write, epoch, options);
        if (outcome.kind === "conflict" || late === undefined) return outcome;
        const { version } = outcome;
        const { leases } = late;
        late = undefined;
        return await store.writeLeases({ version, leases }, epoch, options);
      } catch (error) {
        if (consensusCodeOf(error) === "transient") late = write;
        throw error;
      }
    },
  });
}

/** What a driver or an engine could do wrong, each by standing between a right driver and a right engine. */
export const FLAWS: Readonly<Record<string, (store: ClusterStore, clock: Clock) => ClusterStore>> =
  {
    "a heartbeat of unknown outcome counts": (store) =>
      withMethods(store, {
        beat: (epoch, options) =>
          store.beat(epoch, options).catch((error: unknown) => {
            if (consensusCodeOf(error) !== "transient") throw error;
          }),
      }),
    "a term is taken over that has changed since it was seen": (store) =>
      withMethods(store, {
        takeOver: async (_seen, claim, options) =>
          await store.takeOver(await store.readStanding(options), claim, options),
      }),
    "a term is given up before its certainty has ended": (store) => {
      let beats = 0;
      return withMethods(store, {
        beat: async (epoch, options) => {
          await store.beat(epoch, options);
          if (++beats % 20 === 0) await store.resign(epoch, options);
        },
      });
    },
    "a heartbeat of a term that is over is acknowledged": (store) =>
      withMethods(store, {
        beat: (epoch, options) =>
          store.beat(epoch, options).catch((error: unknown) => {
            if (consensusCodeOf(error) !== "fenced") throw error;
          }),
        watchStanding: ({ signal }) =>
          async function* () {
            yield { kind: "gap", cause: "begun" } as const;
            await new Promise((resolve) => signal.addEventListener("abort", resolve));
            throw signal.reason;
          }(),
      }),
    "a write of sequences is repeated under another name": (store) =>
      withMethods(store, {
        writeSequences: (write, epoch, options) =>
          store.writeSequences({ ...write, operationId: crypto.randomUUID() }, epoch, options),
      }),
    "a write of leases that was not answered is made later, whatever is there": (store, clock) => {
      const insist = async ({ leases }: LeaseWrite, epoch: Epoch, options: StoreCallOptions) => {
        await clock.delay(500);
        const { version } = await store.readLeases(options);
        await store.writeLeases({ version, leases }, epoch, options);
      };
      return withMethods(store, {
        writeLeases: (write, epoch, options) =>
          store.writeLeases(write, epoch, options).catch((error: unknown) => {
            insist(write, epoch, options).catch(() => {});
            throw error;
          }),
      });
    },
  };
