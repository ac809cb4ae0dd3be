// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import { MAX_COUNT } from "../../../src/core/timestamp.ts";
import type { Fate } from "./network.ts";
import { LEADER } from "./oracle_cluster.ts";
import type { OracleCluster } from "./oracle_cluster.ts";

/** The cluster checks itself, so the model that fast-check keeps has nothing to hold. */
export type ClusterModel = Record<string, never>;

/** Enough for two writes and their answers among what else is under way. */
const CALM_MESSAGES = 20;

const FATE = fc.oneof(
  { arbitrary: fc.constant<Fate>("delivered"), weight: 4 },
  { arbitrary: fc.constantFrom<Fate>("lost", "unanswered", "late", "doubled"), weight: 1 },
);

type Act = (cluster: OracleCluster) => void | string | Promise<void | string>;

/** One thing that happens to a cluster, followed by the checks of every moment. */
class ClusterCommand implements fc.AsyncCommand<ClusterModel, OracleCluster> {
  readonly #name: string;
  readonly #act: Act;
  #outcome: string | void = undefined;

  constructor(name: string, act: Act) {
    this.#name = name;
    this.#act = act;
  }

  check(): boolean {
    return true;
  }

  async run(_model: ClusterModel, cluster: OracleCluster): Promise<void> {
    this.#outcome = undefined;
    this.#outcome = await this.#act(cluster);
    await cluster.check();
  }

  toString(): string {
    return this.#outcome === undefined ? this.#name : `${this.#name} -> ${this.#outcome}`;
  }
}

/** Options of {@linkcode clusterCommands}. */
export interface ClusterCommandOptions {
  /** Number of nodes. */
  readonly nodes: number;
  /** Milliseconds that make a difference: steps of time are drawn around it. */
  readonly scaleMs: number;
  /** Largest number of commands in a run. */
  readonly maxCommands: number;
}

/** Arbitrary runs of a cluster. */
export function clusterCommands(
  { nodes, scaleMs, maxCommands }: ClusterCommandOptions,
): fc.Arbitrary<Iterable<fc.AsyncCommand<ClusterModel, OracleCluster>>> {
  const node = fc.nat({ max: nodes - 1 });
  const target = fc.oneof({ arbitrary: fc.constant(LEADER), weight: 2 }, node);
  return fc.commands([
    ...repeat(5, call(target)),
    ...repeat(2, taking(target)),
    ...repeat(4, leasing(target)),
    ...repeat(5, aboutLease(target)),
    ...repeat(4, delivery()),
    ...repeat(3, flow()),
    ...repeat(2, stray()),
    ...repeat(3, heartbeat(target)),
    ...repeat(2, passing(scaleMs)),
    ...repeat(2, on(target, "hears", (cluster, at) => cluster.hear(at))),
    ...repeat(2, on(target, "answers a safe point", (cluster, at) => cluster.maxSafe(at))),
    ...repeat(2, on(node, "takes over", (cluster, at) => cluster.takeOver(at))),
    on(node, "campaigns", (cluster, at) => cluster.campaign(at)),
    on(fc.constant(nodes - 1), "hands over", (cluster, at) => cluster.handOver(at)),
    on(target, "is in doubt", (cluster, at) => cluster.doubt(at)),
    pause(target),
    jump(target, scaleMs),
  ], { maxCommands, size: "max" });
}

function call(node: fc.Arbitrary<number>) {
  const count = fc.oneof(
    fc.constant(1),
    fc.constant(MAX_COUNT),
    fc.integer({ min: 1, max: MAX_COUNT }),
  );
  return fc.tuple(node, count, fc.constantFrom(1, 1, 5)).map(([at, size, times]) =>
    command(`${nameOf(at)} is asked for ${size}, ${times} times`, async (cluster) => {
      let outcome = "";
      for (let time = 0; time < times; time++) outcome = await cluster.call(at, size);
      return outcome;
    })
  );
}

function taking(node: fc.Arbitrary<number>) {
  const request = fc.record({
    key: fc.constantFrom("a", "b", "c"),
    count: fc.constantFrom(1, 2, 1_000),
  }, { noNullPrototype: true });
  const requests = fc.uniqueArray(request, {
    selector: ({ key }) => key,
    minLength: 1,
    maxLength: 2,
  });
  return fc.tuple(node, requests).map(([at, asked]) =>
    command(
      `${nameOf(at)} is asked for ${asked.map(({ key, count }) => `${count} of ${key}`)}`,
      (cluster) => cluster.take(at, asked),
    )
  );
}

function leasing(node: fc.Arbitrary<number>) {
  const holder = fc.constantFrom("x", "y", "z");
  const claim = fc.record({
    holderEpoch: fc.constantFrom(1n, 1n, 2n, 3n),
    ttlMs: fc.constantFrom(50, 500, 5_000),
  });
  return fc.tuple(node, holder, claim, fc.boolean()).map(([at, name, asked, isCalm]) =>
    command(
      `${nameOf(at)} is asked by ${name}@${asked.holderEpoch} for a lease of ${asked.ttlMs} ms` +
        calmly(isCalm),
      async (cluster) => {
        await cluster.acquire(at, name, asked);
        if (isCalm) await cluster.flow(CALM_MESSAGES);
      },
    )
  );
}

function aboutLease(node: fc.Arbitrary<number>) {
  const verb: fc.Arbitrary<"renew" | "release"> = fc.constantFrom(
    "renew",
    "renew",
    "renew",
    "renew",
    "release",
  );
  return fc.tuple(node, verb, fc.nat({ max: 3 }), fc.boolean()).map(([at, does, pick, isCalm]) =>
    command(
      `${nameOf(at)} is asked to ${does} the last lease but ${pick}${calmly(isCalm)}`,
      async (cluster) => {
        await cluster.about(at, does, pick);
        if (isCalm) await cluster.flow(CALM_MESSAGES);
      },
    )
  );
}

function calmly(isCalm: boolean): string {
  return isCalm ? ", and nothing goes wrong" : "";
}

function delivery() {
  return fc.tuple(fc.nat({ max: 5 }), FATE).map(([pick, how]) =>
    command(`message ${pick} ${how}`, (cluster) => cluster.deliver(pick, how))
  );
}

function stray() {
  return fc.nat({ max: 5 }).map((pick) =>
    command(`stray ${pick} arrives`, (cluster) => cluster.arrive(pick))
  );
}

function flow() {
  return fc.tuple(fc.integer({ min: 1, max: 12 }), FATE).map(([count, how]) =>
    command(`${count} messages ${how}`, (cluster) => cluster.flow(count, how))
  );
}

function passing(scaleMs: number) {
  const stepMs = fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: Math.ceil(scaleMs * 0.6) }));
  return stepMs.map((ms) => command(`${ms} ms pass`, (cluster) => cluster.tick(ms)));
}

function jump(node: fc.Arbitrary<number>, scaleMs: number) {
  const jumpMs = fc.oneof(
    fc.integer({ min: -5, max: 5 }),
    fc.integer({ min: -3 * scaleMs, max: 3 * scaleMs }),
    fc.integer({ min: -86_400_000, max: 86_400_000 }),
  );
  return fc.tuple(node, jumpMs).map(([at, ms]) =>
    command(`the clock of ${nameOf(at)} jumps by ${ms}`, (cluster) => cluster.jump(at, ms))
  );
}

function heartbeat(node: fc.Arbitrary<number>) {
  return fc.tuple(node, fc.boolean()).map(([at, announce]) =>
    command(
      `${nameOf(at)} sends a heartbeat${announce ? " and reports it" : ""}`,
      (cluster) => cluster.heartbeat(at, announce),
    )
  );
}

function pause(node: fc.Arbitrary<number>) {
  return fc.tuple(node, fc.boolean()).map(([at, isPaused]) =>
    command(
      `${nameOf(at)} ${isPaused ? "stops" : "goes on"}`,
      (cluster) => cluster.setPaused(at, isPaused),
    )
  );
}

/** A command that names a node and what happens to it. */
function on(
  node: fc.Arbitrary<number>,
  does: string,
  act: (cluster: OracleCluster, at: number) => ReturnType<Act>,
) {
  return node.map((at) => command(`${nameOf(at)} ${does}`, (cluster) => act(cluster, at)));
}

function nameOf(node: number): string {
  return node === LEADER ? "the leader" : `node ${node}`;
}

function command(...args: ConstructorParameters<typeof ClusterCommand>): ClusterCommand {
  return new ClusterCommand(...args);
}

/** fast-check draws from a list evenly, so weight is a matter of how often something is in it. */
function repeat<T>(weight: number, arbitrary: T): T[] {
  return Array.from({ length: weight }, () => arbitrary);
}
