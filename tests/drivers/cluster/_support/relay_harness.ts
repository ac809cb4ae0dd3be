// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { ConsensusDriver } from "../../../../src/consensus/driver.ts";
import type { PeerEndpoint } from "../../../../src/core/endpoint.ts";
import type { ClusterStore, Standing } from "../../../../src/drivers/cluster/store.ts";
import type { SequenceStoreContent } from "../../../../src/testing/conformance/driver_check.ts";
import type { DriverHarness } from "../../../../src/testing/conformance/driver_harness.ts";
import { testDriverConformance } from "../../../../src/testing/driver_conformance.ts";
import { BOTH, Relay } from "../../../cluster/_support/relay.ts";

const CALM = { timeoutMs: 30_000 } as const;

/** Enough for requests to be sent and done; if it is not, less is tried, and nothing fails. */
const REQUEST_MS = 30;

/** A driver that ends. */
type ClosableDriver = ConsensusDriver & { close(): Promise<void> };

/** What a driver or a store is made of. */
export interface EngineAccess {
  /** Where it finds its engine, `host:port`. */
  readonly address: string;
  /** Tells the oracles on one engine apart. */
  readonly name: string;
}

/** What a driver is made of. */
export interface NodeAccess extends EngineAccess {
  /** The service address of the node. */
  readonly endpoint: PeerEndpoint;
  /** How many sequences there may be. */
  readonly maxSequenceKeys: number;
}

/** An engine that runs, and what is made on it. */
export interface RunningEngine<D extends ClosableDriver> {
  /** Where it listens, `host:port`. */
  readonly address: string;
  /** Makes a driver. */
  readonly openDriver: (access: NodeAccess) => D;
  /** Makes a store, through which the suite acts as another node. */
  readonly openStore: (access: EngineAccess) => ClusterStore;
}

/** How many checks are under way at a time: most of them wait for a lease or a deadline to pass. */
const LANES = 4;

/**
 * Tries a cluster driver on a real engine, each check as a step of one test, with an oracle of its own. The sanitizers
 * look at all of them together.
 */
export async function conformOnEngine<D extends ClosableDriver>(
  t: Deno.TestContext,
  name: string,
  engine: RunningEngine<D>,
): Promise<void> {
  const checks: Array<readonly [string, () => Promise<void>]> = [];
  testDriverConformance(name, {
    ...new RelayHarness(engine).hooks(),
    test: (title, fn) => void checks.push([title, fn]),
    skip: (title) => assert.fail(title),
  });
  const outcomes = inLanes(checks.map(([, fn]) => fn));
  for (const [index, [title]] of checks.entries()) {
    const fn = () => outcomes[index];
    await t.step({ name: title, fn, sanitizeOps: false, sanitizeResources: false });
  }
}

/** Does all, so many at a time and in their order. @returns what comes of each; nobody needs to look */
function inLanes(works: ReadonlyArray<() => Promise<void>>): ReadonlyArray<Promise<void>> {
  const lanes = Array.from({ length: LANES }, () => Promise.resolve());
  return works.map((work, index) => {
    const outcome = lanes[index % LANES]!.then(work);
    lanes[index % LANES] = outcome.catch(() => {});
    return outcome;
  });
}

interface Node {
  readonly name: string;
  readonly relay: Relay;
}

/** Gets at drivers that reach their engine by a relay each, which can hold back and break what they say. */
class RelayHarness<D extends ClosableDriver> {
  readonly #engine: RunningEngine<D>;
  readonly #nodes = new Map<D, Node>();
  #count = 0;

  constructor(engine: RunningEngine<D>) {
    this.#engine = engine;
  }

  hooks(): Required<Omit<DriverHarness<D>, "without" | "clock" | "patienceMs">> {
    return {
      open: () => this.#open(newName()),
      close: (driver) => this.#close(driver),
      reopen: async (driver) => {
        const { name } = this.#node(driver);
        await this.#close(driver);
        return await this.#open(name);
      },
      openWith: async ({ sequences, maxSequenceKeys }) => {
        const name = newName();
        await this.#fill(name, sequences);
        return await this.#open(name, maxSequenceKeys);
      },
      standby: (driver) => this.#open(this.#node(driver).name),
      supersede: (driver) =>
        this.#withStore(this.#node(driver).name, async (store) => void await takeOver(store)),
      silence: async (driver) => {
        const { relay } = this.#node(driver);
        await loseAnswers(relay);
        relay.cut(BOTH);
        return () => Promise.resolve(relay.cut([]));
      },
      fault: async (driver) => {
        const { relay } = this.#node(driver);
        await loseAnswers(relay);
        relay.reset();
        relay.cut([]);
      },
    };
  }

  async #open(name: string, maxSequenceKeys = 10_000): Promise<D> {
    const relay = await Relay.start(this.#engine.address);
    const endpoint = { host: "127.0.0.1", port: 50_000 + this.#count++ };
    const { address } = relay;
    const driver = this.#engine.openDriver({ address, name, endpoint, maxSequenceKeys });
    this.#nodes.set(driver, { name, relay });
    return driver;
  }

  async #close(driver: D): Promise<void> {
    await driver.close();
    await this.#node(driver).relay[Symbol.asyncDispose]();
    this.#nodes.delete(driver);
  }

  #node(driver: D): Node {
    const node = this.#nodes.get(driver);
    if (node === undefined) throw new Error("the driver is not of this harness");
    return node;
  }

  async #fill(name: string, sequences: SequenceStoreContent["sequences"]): Promise<void> {
    await this.#withStore(name, async (store) => {
      await store.prepare(CALM);
      const { epoch } = await takeOver(store);
      const { version } = await store.readSequences(CALM);
      const write = { version, operationId: "fill", moved: sequences, counters: sequences };
      assert.equal((await store.writeSequences(write, epoch, CALM)).kind, "written");
      await store.resign(epoch, CALM);
    });
  }

  async #withStore(name: string, use: (store: ClusterStore) => Promise<void>): Promise<void> {
    const store = this.#engine.openStore({ address: this.#engine.address, name });
    try {
      await use(store);
    } finally {
      await store.close();
    }
  }
}

/** Lets what is being asked reach the engine, and no answer come back. */
async function loseAnswers(relay: Relay): Promise<void> {
  relay.cut(["from-engine"]);
  await new Promise((resolve) => setTimeout(resolve, REQUEST_MS));
}

function newName(): string {
  return `conformance-${crypto.randomUUID()}`;
}

/** Begins a term although the leader lives, as no driver does: whom it fences is what matters. */
async function takeOver(store: ClusterStore): Promise<NonNullable<Standing["term"]>> {
  for (;;) {
    const seen = await store.readStanding(CALM);
    const claim = { id: crypto.randomUUID(), endpoint: { host: "127.0.0.1", port: 1 } };
    const { term } = await store.takeOver(seen, claim, CALM) ?? {};
    if (term !== undefined) return term;
  }
}
