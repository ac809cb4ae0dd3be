// SPDX-License-Identifier: Apache-2.0

import { fileURLToPath } from "node:url";

/** Where a run was made, for those who compare. */
export interface Machine {
  /** Of the run, ISO 8601. */
  readonly date: string;
  /** Abbreviated commit, with `+` if the checkout had changes. */
  readonly commit: string;
  /** Model of the processor. */
  readonly cpu: string;
  /** Processors that this process may use. */
  readonly cores: number;
  /** Memory in GiB. */
  readonly memoryGiB: number;
  /** System and its version. */
  readonly kernel: string;
  /** File system and device of the state directories. */
  readonly disk: string;
  /** Versions of the runtimes. */
  readonly runtimes: readonly string[];
}

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const UNKNOWN = "unknown";

/**
 * Describes this machine. What it does not tell is "unknown".
 *
 * @param directory on the disk that is measured
 */
export async function describeMachine(directory: string): Promise<Machine> {
  const cpuInfo = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  const node = await ask("node", ["--version"]);
  return {
    date: new Date().toISOString().slice(0, 19) + "Z",
    commit: await describeCommit(),
    cpu: /^model name\s*:\s*(.+)$/m.exec(cpuInfo)?.[1] ?? UNKNOWN,
    cores: navigator.hardwareConcurrency,
    memoryGiB: Math.round(Deno.systemMemoryInfo().total / 2 ** 30),
    kernel: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    disk: await describeDisk(directory),
    runtimes: [`Deno ${Deno.version.deno}`, ...node === undefined ? [] : [`Node ${node.slice(1)}`]],
  };
}

async function describeCommit(): Promise<string> {
  const commit = await ask("git", ["-C", ROOT, "rev-parse", "--short", "HEAD"]);
  if (commit === undefined) return UNKNOWN;
  const changes = await ask("git", ["-C", ROOT, "status", "--porcelain", "--untracked-files=no"]);
  return changes === "" ? commit : `${commit}+`;
}

async function describeDisk(directory: string): Promise<string> {
  const table = await ask("df", ["--output=fstype,source", directory]);
  return table?.split("\n").at(-1)?.trim().replace(/\s+/, " on ") ?? UNKNOWN;
}

async function ask(file: string, args: readonly string[]): Promise<string | undefined> {
  const command = new Deno.Command(file, { args: [...args], stdin: "null", stderr: "null" });
  try {
    const { success, stdout } = await command.output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
