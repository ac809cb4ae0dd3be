// SPDX-License-Identifier: Apache-2.0

import { FileStateError } from "./errors.ts";

const FREE_SPACE = "free some space";
const FIX_OWNER = "make the directory and its files readable and writable for this user";

const WAY_OUT: Readonly<Record<string, string>> = {
  EACCES: FIX_OWNER,
  EDQUOT: FREE_SPACE,
  EIO: "the disk is failing: look at the system log and move the directory to a sound one",
  EISDIR: "move the directory that is in the way",
  ELOOP: "replace the symbolic link by a regular file",
  EMFILE: "raise the limit of open files",
  ENOENT: "bring the missing directory back",
  ENOSPC: FREE_SPACE,
  ENOTDIR: "name a directory, not a file",
  EPERM: FIX_OWNER,
  EROFS: "mount the file system writable",
  NotCapable: "grant '--allow-read' and '--allow-write' on the directory",
};

/** The operating system's name of a fault, such as `ENOSPC`; Deno's refusals go by the error's name. */
export function faultName(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

/** A refusal of the operating system, told with the operation, the path and the way out. */
export function ioFault(operation: string, path: string, cause: unknown): FileStateError {
  const found = cause instanceof Error ? cause.message : String(cause);
  const wayOut = WAY_OUT[faultName(cause)] ?? "remove the cause";
  return new FileStateError("io", `Cannot ${operation} '${path}': ${found}; ${wayOut}`, {
    path,
    cause,
  });
}

/**
 * Runs one step on the disk.
 *
 * @throws {FileStateError} `io`, naming the operation and the path, when the step fails
 */
export async function attempt<T>(
  operation: string,
  path: string,
  step: () => Promise<T>,
): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw ioFault(operation, path, error);
  }
}
