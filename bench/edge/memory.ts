// SPDX-License-Identifier: Apache-2.0

import type { H2load } from "./load/h2load.ts";
import type { Runtime } from "./runners.ts";
import type { MeasuredServer } from "./servers.ts";

/** Memory of the edge while it answers call after call. */
export interface MemoryFigures {
  readonly runtime: Runtime;
  /** Calls that were answered well. */
  readonly calls: number;
  readonly failures: number;
  /** Resident memory in MiB, before the first call and after each part. */
  readonly rssMiB: readonly number[];
}

/** How {@linkcode measureMemory} measures. */
export interface MemoryOptions {
  readonly h2load: H2load;
  /** Calls in all. */
  readonly calls: number;
  /** After so many milliseconds no further part is begun. */
  readonly budgetMs: number;
}

const PARTS = 20;
const SHAPE = { connections: 10, streams: 100 };

/** Makes the calls in equal parts and looks at the memory after each. Needs /proc. */
export async function measureMemory(
  { runtime, process: { pid, port } }: MeasuredServer,
  { h2load, calls, budgetMs }: MemoryOptions,
): Promise<MemoryFigures> {
  const endMs = performance.now() + budgetMs;
  const requests = Math.ceil(calls / PARTS);
  const rssMiB = [await residentMiB(pid)];
  const sum = { calls: 0, failures: 0 };
  for (let part = 0; part < PARTS && performance.now() < endMs; part++) {
    const { successes, failures } = await h2load.run({ port, ...SHAPE, until: { requests } });
    sum.calls += successes;
    sum.failures += failures;
    rssMiB.push(await residentMiB(pid));
  }
  return { runtime, ...sum, rssMiB };
}

async function residentMiB(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return Math.round(Number(kib) / 1_024);
}
