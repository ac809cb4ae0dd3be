// SPDX-License-Identifier: Apache-2.0

/**
 * A driver without durability, for tests and demos.
 *
 * ```ts
 * import { MemoryDriver } from "@tsoracle/tsoracle/drivers/memory";
 *
 * const driver = new MemoryDriver();
 * ```
 *
 * @module
 */

export { MemoryDriver } from "./driver.ts";
export type { MemoryDriverOptions } from "./driver.ts";
