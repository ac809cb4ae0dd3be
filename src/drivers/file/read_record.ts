// SPDX-License-Identifier: Apache-2.0

import { RecordError } from "../records/record_error.ts";
import { FileStateError } from "./errors.ts";
import type { RecordName, StateDirectory } from "./state_directory.ts";

/** What an operator does with a file that cannot be read. */
const WAYS_OUT: Readonly<Record<RecordName, string>> = {
  state:
    "move the file away and run 'init' with '--seed-physical-ms' above every timestamp ever issued (docs/file-format.md)",
  dense:
    "put a copy back that knows every ordinal ever given out, or move the file away if all sequences may begin again at 0 (docs/file-format.md)",
  leases:
    "move the file away once every lease in it has run out on the clocks of their holders (docs/file-format.md)",
};

/** Which file of a directory to read, and how. */
export interface RecordSpec<T> {
  /** The file. */
  readonly name: RecordName;
  /**
   * Understands the bytes of the file at a path.
   *
   * @throws {RecordError} if they are no whole record
   */
  readonly decode: (bytes: Uint8Array, path: string) => T;
}

/**
 * Reads a file of a directory; `undefined` if there is none.
 *
 * @throws {FileStateError} if it cannot be read, or is no whole record
 */
export async function readRecord<T>(
  directory: StateDirectory,
  { name, decode }: RecordSpec<T>,
): Promise<T | undefined> {
  const bytes = await directory.read(name);
  if (bytes === undefined) return undefined;
  const path = directory.pathOf(name);
  try {
    return decode(bytes, path);
  } catch (cause) {
    if (!(cause instanceof RecordError)) throw cause;
    const { code, message } = cause;
    const wayOut = code === "unsupported-version"
      ? "start the release that wrote it"
      : WAYS_OUT[name];
    throw new FileStateError(code, `${message}; ${wayOut}`, { path, cause });
  }
}
