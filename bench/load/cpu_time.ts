// SPDX-License-Identifier: Apache-2.0

/** Milliseconds of a tick in /proc, on every Linux that Deno or Node runs on. */
const TICK_MS = 10;

/**
 * Time that a process has spent on processors, all of its threads together. Unlike rates it hardly depends
 * on what else the machine does.
 *
 * @param pid a running process
 * @returns milliseconds since its start, in steps of 10; undefined where there is no /proc
 */
export function cpuTimeMs(pid: number): number | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The second field is the program's name, which may hold spaces; user and system time are 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
