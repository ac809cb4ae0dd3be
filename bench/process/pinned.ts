// SPDX-License-Identifier: Apache-2.0

import type { Program } from "./server_process.ts";

/** Who has a processor of its own: the server that is asked, or who asks. */
export type Side = "server" | "load";

const PROCESSORS: Readonly<Record<Side, number>> = { server: 0, load: 1 };

/** Puts programs on processors. */
export type Pin = (side: Side, program: Program) => Program;

/** Leaves it to the system. */
export function unpinned(_side: Side, program: Program): Program {
  return program;
}

/**
 * Finds out whether this machine can keep servers and load on a processor each.
 *
 * @returns {@linkcode unpinned} where there is no `taskset`, or only one processor
 */
export async function findPin(): Promise<Pin> {
  const able = await Promise.all(Object.values(PROCESSORS).map(canPinTo));
  return able.every(Boolean) ? pinned : unpinned;
}

function pinned(side: Side, { file, args }: Program): Program {
  return { file: "taskset", args: ["-c", String(PROCESSORS[side]), file, ...args] };
}

async function canPinTo(processor: number): Promise<boolean> {
  const args = ["-c", String(processor), "true"];
  try {
    return (await new Deno.Command("taskset", { args, stdin: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
