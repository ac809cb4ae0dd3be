// SPDX-License-Identifier: Apache-2.0

/** Sends a signal to a process; one that comes too late is ignored. */
export function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The processes that a process has started and that have not ended. Needs Linux. */
export async function childrenOf(parent: number): Promise<readonly number[]> {
  const children: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    const pid = Number(name);
    if (Number.isInteger(pid) && (await statOf(pid))?.parent === parent) children.push(pid);
  }
  return children;
}

/** Whether a process is gone, or waits only for its parent to notice. */
export async function hasEnded(pid: number): Promise<boolean> {
  const stat = await statOf(pid);
  return stat === undefined || stat.state === "Z";
}

async function statOf(
  pid: number,
): Promise<{ readonly state: string; readonly parent: number } | undefined> {
  try {
    const text = await Deno.readTextFile(`/proc/${pid}/stat`);
    // The name of the program stands in brackets and may contain anything.
    const [state = "", parent] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
