// SPDX-License-Identifier: Apache-2.0

import { constants } from "node:fs";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Failpoint } from "../../core/failpoint.ts";
import { syncDirectory } from "./directory.ts";
import { attempt } from "./io_fault.ts";

/** What {@linkcode writeDurably} puts where. */
export interface DurableWrite {
  /** The directory, which must exist. */
  readonly directory: string;
  /** The file's name; `<name>.tmp` beside it is overwritten. */
  readonly name: string;
  /** The whole new content. */
  readonly bytes: Uint8Array;
  /** Called between the steps as `file::<name>::<place>`; for tests. */
  readonly failpoint?: Failpoint | undefined;
}

/** Never through a link: a link in place of the temporary file would have its target overwritten. */
const OVERWRITE = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC |
  (constants.O_NOFOLLOW ?? 0);

/**
 * Replaces a file so that a crash at any moment leaves the old content or the new one, and the new one
 * once this returns: temporary file, fsync, rename, fsync of the directory (behaviour.md 5.1).
 *
 * After an error either content may be on the disk, and after a failed fsync the system may have dropped
 * what it could not write: do not write again without reading afresh.
 *
 * @throws {FileStateError} `io`, naming the step that failed
 */
export async function writeDurably(write: DurableWrite): Promise<void> {
  const { directory, name, failpoint } = write;
  const path = join(directory, name);
  const temporary = `${path}.tmp`;
  await writeTemporary(temporary, write);
  await attempt("rename", temporary, async () => {
    if (failpoint) await failpoint(`file::${name}::after_fsync_before_rename`);
    await rename(temporary, path);
  });
  await attempt("flush", directory, async () => {
    if (failpoint) await failpoint(`file::${name}::after_rename_before_dir_fsync`);
    await syncDirectory(directory, path);
    if (failpoint) await failpoint(`file::${name}::after_dir_fsync`);
  });
}

async function writeTemporary(temporary: string, write: DurableWrite): Promise<void> {
  const { name, bytes, failpoint } = write;
  const handle = await attempt("open", temporary, async () => {
    if (failpoint) await failpoint(`file::${name}::before_open`);
    return await open(temporary, OVERWRITE, 0o644);
  });
  try {
    await attempt("write", temporary, async () => {
      if (failpoint) await failpoint(`file::${name}::after_open_before_write`);
      await handle.writeFile(bytes);
    });
    await attempt("flush", temporary, async () => {
      if (failpoint) await failpoint(`file::${name}::after_write_before_fsync`);
      await handle.sync();
    });
  } finally {
    await handle.close();
  }
}
