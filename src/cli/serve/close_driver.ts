// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import { delay } from "@std/async";
import type { FileDriver } from "../../drivers/file/mod.ts";
import { formatDuration } from "../duration.ts";
import { CommandError } from "../errors.ts";

const logger = getLogger(["tsoracle", "cli"]);

/**
 * Closes a driver, but does not wait for ever for a disk that hangs. The lock is then kept: it ends with the
 * process, when nothing can be written any more.
 *
 * @param graceMs how long to wait, in milliseconds
 * @throws {CommandError} if the driver still writes after that
 */
export async function closeDriver(driver: FileDriver, graceMs: number): Promise<void> {
  const { directory } = driver;
  const closed = new AbortController();
  const close = driver.close().then(() => true).finally(() => closed.abort());
  const late = delay(graceMs, { signal: closed.signal }).then(() => false, () => true);
  if (await Promise.race([close, late])) return;
  const grace = formatDuration(graceMs);
  logger.error("a write still waits for the disk; its lock is kept until the process has ended", {
    directory,
    grace,
  });
  throw new CommandError(
    `Cannot unlock '${directory}' within ${grace}: a write still waits for the disk, so the lock ends with the process; look at the disk`,
  );
}
