// SPDX-License-Identifier: Apache-2.0

/**
 * The levels of the suite. A bare `deno test` has no permission and runs what is pure; `deno task test`
 * runs everything in its short form; `deno task test:long` runs the full counts.
 */

import { delimiter, isAbsolute, join } from "node:path";

const ANY_EXECUTE = 0o111;

const NEEDED = ["net", "read", "write", "run", "env", "sys"] as const;

/** Whether this run may use sockets, files and processes. */
export const HAS_PERMISSIONS: boolean = NEEDED.every((name) =>
  Deno.permissions.querySync({ name }).state === "granted"
);

/** Whether this run uses the full counts. */
export const LONG: boolean = HAS_PERMISSIONS && Deno.env.get("TSORACLE_TEST_LONG") === "1";

/** The count for this run: the short form, or the full one under `deno task test:long`. */
export function scaled(short: number, full: number): number {
  return LONG ? full : short;
}

/** A test that needs sockets, files or processes. Without permissions it is ignored. */
export function ioTest(name: string, fn: (t: Deno.TestContext) => void | Promise<void>): void {
  Deno.test({ name, ignore: !HAS_PERMISSIONS, fn });
}

/**
 * A test that also needs something that this machine lacks, unless `missing` is undefined. It is then
 * ignored, loudly, under a name that tells what to do.
 */
export function ioTestNeeding(
  missing: string | undefined,
  name: string,
  fn: (t: Deno.TestContext) => Promise<void>,
): void {
  if (missing === undefined || !HAS_PERMISSIONS) return ioTest(name, fn);
  console.warn(`NOT RUN, ${missing}: ${name}`);
  // Ignored because what it needs is not on this machine; in .ci/run, which installs it, that is a failure.
  Deno.test({ name: `${name} (NOT RUN: ${missing})`, ignore: true, fn });
}

/** Whether a program can be run here: it is on the path, or where its own path says. It is not started for that. */
export async function canRun(program: string): Promise<boolean> {
  if (!HAS_PERMISSIONS) return false;
  const folders = isAbsolute(program) ? [""] : (Deno.env.get("PATH") ?? "").split(delimiter);
  for (const folder of folders) {
    if (await isExecutable(join(folder, program))) return true;
  }
  return false;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    const { isFile, mode } = await Deno.stat(path);
    return isFile && ((mode ?? ANY_EXECUTE) & ANY_EXECUTE) !== 0;
  } catch {
    return false;
  }
}
