// SPDX-License-Identifier: Apache-2.0

/**
 * A driver for one node that keeps the high-water, sequences and leases in a directory of the local disk. It runs on Deno and on
 * Node (there with the command flock of util-linux).
 *
 * @example
 * ```ts
 * import { FileDriver } from "@tsoracle/tsoracle/drivers/file";
 * import assert from "node:assert/strict";
 *
 * const directory = await Deno.makeTempDir();
 * await FileDriver.init({ directory, seedPhysicalMs: 1_000 });
 * await using driver = await FileDriver.open({ directory });
 * assert.equal(await driver.loadHighWater(), 1_000);
 * ```
 *
 * @module
 */

export { FileDriver } from "./driver.ts";
export { FileStateError } from "./errors.ts";
export type { FileStateErrorCode, FileStateErrorOptions } from "./errors.ts";
export type { FileDriverInitOptions, FileDriverLimits, FileDriverOptions } from "./options.ts";
export type { StateDirectoryOptions } from "./state_directory.ts";
