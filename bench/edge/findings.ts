// SPDX-License-Identifier: Apache-2.0

import type { EdgeName } from "../../src/net/mod.ts";
import type { Machine } from "../machine.ts";
import type { OtherLoad } from "../quiet.ts";
import type { LatencyResult } from "./latencies.ts";
import type { LoneCaller } from "./lone_caller.ts";
import type { MemoryFigures } from "./memory.ts";
import type { PublishedCell } from "./published.ts";
import type { RateCell } from "./rates.ts";

/** All that a run found. */
export interface Findings {
  /** Where it was made. */
  readonly machine: Machine;
  /** What else the machine did. */
  readonly otherLoad: OtherLoad;
  /** Which edge was measured. */
  readonly edge: EdgeName;
  readonly rates: readonly RateCell[];
  readonly latencies: LatencyResult;
  readonly loneCallers: readonly LoneCaller[];
  readonly published: readonly PublishedCell[];
  readonly memory: readonly MemoryFigures[];
}

/** One line for everything that makes a run worthless. */
export function faultsOf({ rates, latencies, published, memory }: Findings): readonly string[] {
  return [
    ...rates.flatMap(({ faults }) => faults),
    ...latencies.cells.filter(({ errors }) => errors > 0).map(({ target, ...cell }) =>
      `${target} x ${cell.concurrency}: ${cell.errors} calls failed: ${cell.firstError}`
    ),
    ...latencies.violations > 0 ? [`${latencies.violations} answers broke the order`] : [],
    ...published.flatMap(publishedFaults),
    ...memory.filter(({ failures }) => failures > 0).map(({ runtime, failures }) =>
      `${runtime}, memory: ${failures} calls failed`
    ),
  ];
}

function publishedFaults(cell: PublishedCell): readonly string[] {
  const name = `${cell.runtime}, client, ${cell.callers} x ${cell.batch}`;
  const wrong = cell.violations + cell.wentBack;
  return [
    ...cell.errors.map(({ count, message }) => `${name}: ${count} calls failed: ${message}`),
    ...wrong > 0 ? [`${name}: ${wrong} answers broke the order`] : [],
  ];
}
