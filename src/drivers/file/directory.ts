// SPDX-License-Identifier: Apache-2.0

import { lstat, mkdir, open, realpath } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { platform } from "node:process";
import { getLogger } from "@logtape/logtape";
import { FileStateError } from "./errors.ts";
import { attempt, faultName, ioFault } from "./io_fault.ts";

const logger = getLogger(["tsoracle", "drivers"]);

/** Faults that mean "not yours to open", not "broken". */
const REFUSALS: ReadonlySet<string> = new Set(["NotCapable", "EACCES", "EPERM"]);

/**
 * Makes a directory and its parents where they are missing.
 *
 * @returns its real path, so that a link that is moved later does not move the state
 * @throws {FileStateError} `io` if it cannot be made
 */
export async function makeDirectory(directory: string): Promise<string> {
  const path = resolve(directory);
  await makeMissing(path);
  return await attempt("open", path, () => realpath(path));
}

async function makeMissing(path: string): Promise<void> {
  const fault = await tryMake(path);
  if (fault === undefined || faultName(fault) === "EEXIST") return;
  if (faultName(fault) !== "ENOENT") throw ioFault("create", path, fault);
  await makeMissing(dirname(path));
  const again = await tryMake(path);
  if (again !== undefined && faultName(again) !== "EEXIST") throw ioFault("create", path, again);
}

async function tryMake(path: string): Promise<unknown> {
  try {
    await mkdir(path);
    return undefined;
  } catch (error) {
    return error;
  }
}

/**
 * Makes the names in a directory durable. Windows cannot open a directory: there `renamed`, the file that
 * was put in place last, is flushed instead, as the original does.
 */
export async function syncDirectory(directory: string, renamed?: string): Promise<void> {
  const onWindows = platform === "win32";
  if (onWindows && renamed === undefined) return;
  const path = onWindows && renamed !== undefined ? renamed : directory;
  const handle = await open(path, onWindows ? "r+" : "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes the way to a new state directory durable, up to the root. A parent that this process may not open
 * is left as it is, with a warning: common file systems make it durable together with the state.
 *
 * @throws {FileStateError} `io` if a parent cannot be flushed for another reason
 */
export async function syncParents(directory: string): Promise<void> {
  let path = directory;
  while (dirname(path) !== path) {
    path = dirname(path);
    try {
      await syncDirectory(path);
    } catch (error) {
      if (!REFUSALS.has(faultName(error))) throw ioFault("flush", path, error);
      logger.warn("Cannot flush {path}, a parent of a new state directory: {reason}", {
        path,
        reason: String(error),
      });
      return;
    }
  }
}

/**
 * Tells whether a file exists. What is there must be a regular file: through a link the driver would
 * replace the link and leave its target behind, and a dangling one would look like a first start.
 *
 * @throws {FileStateError} `corrupt` if it is something else, `io` if it cannot be looked at
 */
export async function fileExists(path: string): Promise<boolean> {
  try {
    const found = await lstat(path);
    if (found.isFile()) return true;
  } catch (error) {
    if (faultName(error) === "ENOENT") return false;
    throw ioFault("look at", path, error);
  }
  throw new FileStateError(
    "corrupt",
    `Cannot use '${path}': it is not a regular file; move it away, or put the file it stands for in its place`,
    { path },
  );
}

/**
 * Lets nothing stand in the place of a file but a regular file.
 *
 * @throws {FileStateError} as {@linkcode fileExists}
 */
export async function refuseIrregular(path: string): Promise<void> {
  await fileExists(path);
}
