// SPDX-License-Identifier: Apache-2.0

/**
 * The load generator, a process of its own: reads a plan as JSON from stdin, and writes what it found as
 * JSON to stdout.
 *
 * @module
 */

import { HistoryChecker } from "../../src/testing/mod.ts";
import { connectionsOf, runRound } from "./closed_loop.ts";
import type { LoadResult, Plan } from "./plan.ts";
import { Tally } from "./tally.ts";

/** Carries out a plan. */
export async function runPlan(plan: Plan): Promise<LoadResult> {
  const { cells, rounds } = plan;
  const ports = new Set(cells.map(({ port }) => port));
  const checks = new Map([...ports].map((port) => [port, new HistoryChecker()]));
  const work = cells.map((cell) => ({
    cell,
    plan,
    check: checks.get(cell.port) ?? new HistoryChecker(),
    tally: new Tally(cell, connectionsOf(cell.protocol, cell.concurrency)),
  }));
  for (let round = 0; round < rounds; round++) {
    for (const each of work) await runRound(each);
  }
  const sum = (figure: (check: HistoryChecker) => number) =>
    [...checks.values()].reduce((total, check) => total + figure(check), 0);
  return {
    cells: work.map(({ tally }) => tally.result()),
    checkedAnswers: sum((check) => check.calls),
    violations: sum((check) => check.violationCount),
  };
}

if (import.meta.main) {
  const plan: Plan = JSON.parse(await new Response(Deno.stdin.readable).text());
  console.log(JSON.stringify(await runPlan(plan)));
}
