// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import { delay } from "@std/async";
import { formatDuration } from "../duration.ts";
import { CommandError } from "../errors.ts";
import type { OpenedDriver } from "./open_driver.ts";

const logger = getLogger(["tsoracle", "cli"]);

/**
 * Closes a driver, but does not wait for ever for an engine that hangs. What it holds is then kept: that ends with the
 * process, when nothing can be written any more.
 *
 * @param graceMs how long to wait, in milliseconds
 * @throws {CommandError} if the driver still writes after that
 */
export async function closeDriver(opened: OpenedDriver, graceMs: number): Promise<void> {
  const closed = new AbortController();
  const close = opened.driver.close().then(() => true).finally(() => closed.abort());
  const late = delay(graceMs, { signal: closed.signal }).then(() => false, () => true);
  if (await Promise.race([close, late])) return;
  const grace = formatDuration(graceMs);
  logger.error("a write still waits for its answer; what the driver holds ends with the process", {
    ...opened.fields,
    grace,
  });
  throw new CommandError(`Cannot ${opened.release} within ${grace}: ${opened.whyNot}`);
}
