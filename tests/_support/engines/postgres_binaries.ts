// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import { canRun, HAS_PERMISSIONS } from "../levels.ts";

/** Debian keeps the programs of each version in a folder of its own, off the path. */
const DEBIAN_FOLDER = "/usr/lib/postgresql";

/** The folder with `initdb` and `postgres`; empty if they are on the path; `undefined` if there are none. */
const FOLDER = await findFolder();

/** What to do if PostgreSQL is not on this machine; for `ioTestNeeding`. */
export const POSTGRES_MISSING: string | undefined = FOLDER === undefined
  ? "needs `apt-get install postgresql`"
  : undefined;

/** The library that shifts the clock of a server, if it is on this machine. */
export const FAKETIME_LIBRARY: string | undefined = await findFaketime();

/** What to do if PostgreSQL, or the library that shifts its clock, is not on this machine. */
export const FAKETIME_MISSING: string | undefined = POSTGRES_MISSING ??
  (FAKETIME_LIBRARY === undefined ? "needs `apt-get install faketime`" : undefined);

/**
 * A program of PostgreSQL with its arguments, as a user that it agrees to run as: it refuses root.
 *
 * @param env variables that it alone gets, and none of the programs that start it
 */
export function postgresCommand(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): readonly [string, ...string[]] {
  const path = FOLDER === undefined ? program : join(FOLDER, program);
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const command = ["env", ...variables, path, ...args] as const;
  if (Deno.uid() !== 0) return command;
  return [
    "setpriv",
    "--reuid=postgres",
    "--regid=postgres",
    "--init-groups",
    "--",
    ...command,
  ];
}

/** Runs a program of PostgreSQL to its end. @returns what it printed; @throws {Error} with the rest, if it failed */
export async function runPostgres(program: string, args: readonly string[]): Promise<string> {
  const [command, ...rest] = postgresCommand(program, args);
  const running = new Deno.Command(command, { args: rest, stdin: "null", cwd: "/" });
  const { success, stdout, stderr } = await running.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (success) return (out ?? "").trim();
  throw new Error(`${program} ${args.join(" ")} failed: ${out}${err}`);
}

async function findFolder(): Promise<string | undefined> {
  if (!HAS_PERMISSIONS) return undefined;
  if (await canRun("initdb")) return "";
  if (!await exists(DEBIAN_FOLDER)) return undefined;
  const entries = await Array.fromAsync(Deno.readDir(DEBIAN_FOLDER));
  const versions = entries.map(({ name }) => Number(name)).filter(Number.isFinite);
  const folders = versions.sort((one, other) => other - one)
    .map((version) => join(DEBIAN_FOLDER, String(version), "bin"));
  for (const folder of folders) {
    if (await canRun(join(folder, "initdb"))) return folder;
  }
  return undefined;
}

/** Debian keeps libraries in a folder of each architecture. */
async function findFaketime(): Promise<string | undefined> {
  if (!HAS_PERMISSIONS) return undefined;
  for await (const { name, isDirectory } of Deno.readDir("/usr/lib")) {
    const path = join("/usr/lib", name, "faketime/libfaketime.so.1");
    if (isDirectory && await exists(path)) return path;
  }
  return undefined;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
