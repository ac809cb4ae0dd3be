// SPDX-License-Identifier: Apache-2.0

import { summarize } from "../rate.ts";
import type { Findings } from "./findings.ts";
import type { LoadName } from "./loads.ts";
import type { RateCell } from "./rates.ts";
import type { Runtime } from "./runners.ts";
import type { ServerName } from "./servers.ts";

/** A goal, and what became of it. */
export interface Verdict {
  readonly runtime: Runtime;
  readonly goal: string;
  /** A ratio. */
  readonly value: number;
  readonly bound: number;
  readonly sense: "at least" | "at most";
  readonly isMet: boolean;
}

type Goal = Pick<Verdict, "goal" | "bound" | "sense">;

/** Shapes of h2load that goals are set for. */
const SHAPES = ["4 x 16", "10 x 100"] as const;
/** How many times the rate of the others the edge is to reach. */
const LEAST_RATIOS = { "adapter": 50, "by hand": 8, "ceiling": 0.65 } as const;

/** What the goals of the edge came to, for each runtime that was measured. */
export function judge(findings: Findings): readonly Verdict[] {
  const runtimes = new Set(findings.rates.map(({ runtime }) => runtime));
  return [...runtimes].flatMap((runtime) => [
    ...judgeRates(findings.rates, runtime),
    ...judgeConnections(findings.rates, runtime),
    ...judgeLoneCaller(findings, runtime),
    ...judgeTail(findings, runtime),
    ...judgeMemory(findings, runtime),
  ]);
}

/** Which rate. */
export interface RateKey {
  readonly load: LoadName;
  readonly shape: string;
  readonly runtime: Runtime;
  readonly server: ServerName;
}

/** Finds a rate. */
export function rateOf(rates: readonly RateCell[], key: RateKey): RateCell | undefined {
  return rates.find((cell) =>
    cell.load === key.load && cell.shape === key.shape && cell.runtime === key.runtime &&
    cell.server === key.server
  );
}

/** The median of the ratios of the rounds, as what disturbs a round disturbs both. NaN if there is none. */
export function ratioOf(above: RateCell | undefined, below: RateCell | undefined): number {
  if (above === undefined || below === undefined) return NaN;
  const ratios = above.perSecond.map((rate, round) => rate / (below.perSecond[round] || NaN))
    .filter((ratio) => !Number.isNaN(ratio));
  return ratios.length === 0 ? NaN : summarize(ratios).median;
}

function verdict(runtime: Runtime, { goal, bound, sense }: Goal, value: number): Verdict[] {
  if (Number.isNaN(value)) return [];
  const isMet = sense === "at least" ? value >= bound : value <= bound;
  return [{ runtime, goal, bound, sense, value, isMet }];
}

function judgeRates(rates: readonly RateCell[], runtime: Runtime): readonly Verdict[] {
  return SHAPES.flatMap((shape) => {
    const key = { load: "h2load", shape, runtime } as const;
    const edge = rateOf(rates, { ...key, server: "edge" });
    return Object.entries(LEAST_RATIOS).flatMap(([server, bound]) => {
      const other = rateOf(rates, { ...key, server: server as keyof typeof LEAST_RATIOS });
      const goal: Goal = {
        goal: `requests/s, edge / ${server}, ${shape}`,
        bound,
        sense: "at least",
      };
      return verdict(runtime, goal, ratioOf(edge, other));
    });
  });
}

function judgeConnections(rates: readonly RateCell[], runtime: Runtime): readonly Verdict[] {
  const [few, many] = rates.filter((cell) =>
    cell.load === "h2load, connections" && cell.runtime === runtime && cell.server === "edge"
  );
  const goal = `requests/s, ${many?.shape} / ${few?.shape}`;
  return verdict(runtime, { goal, bound: 0.6, sense: "at least" }, ratioOf(many, few));
}

function judgeLoneCaller({ loneCallers }: Findings, runtime: Runtime): readonly Verdict[] {
  const goal: Goal = { goal: "p50 of a lone caller / bare echo", bound: 1.5, sense: "at most" };
  return loneCallers.filter((each) => each.runtime === runtime)
    .flatMap(({ clientP50Ms, echoP50Ms }) => verdict(runtime, goal, clientP50Ms / echoP50Ms));
}

function judgeTail({ latencies: { cells } }: Findings, runtime: Runtime): readonly Verdict[] {
  const here = cells.filter((cell) => cell.runtime === runtime);
  return here.filter(({ server }) => server === "edge").flatMap(({ concurrency, latency }) => {
    const byHand = here.find((cell) =>
      cell.server === "by hand" && cell.concurrency === concurrency
    );
    const goal = `p99.9, edge / by hand, ${concurrency} at a time`;
    const value = latency.p999Ms / (byHand?.latency.p999Ms ?? NaN);
    return verdict(runtime, { goal, bound: 1, sense: "at most" }, value);
  });
}

function judgeMemory({ memory }: Findings, runtime: Runtime): readonly Verdict[] {
  const goal: Goal = {
    goal: "memory, last half / first half of the calls",
    bound: 1.1,
    sense: "at most",
  };
  return memory.filter((each) => each.runtime === runtime).flatMap(({ rssMiB: [, ...after] }) => {
    const half = after.length >> 1;
    const value = Math.max(...after.slice(half)) / Math.max(...after.slice(0, half));
    return verdict(runtime, goal, value);
  });
}
