// SPDX-License-Identifier: Apache-2.0

import { isPhysicalMs } from "../../core/timestamp.ts";
import type { FoundKeys } from "./found_keys.ts";
import { bytesOf, textOf } from "./keys.ts";
import type { EtcdKeys } from "./keys.ts";
import { unusable } from "./standing_keys.ts";

/** All values have that many digits, so that etcd's comparison of bytes is one of numbers. */
const DIGITS = 20;

/** A high-water as it is kept. */
export function highWaterValue(highWaterMs: number): Uint8Array {
  return bytesOf(String(highWaterMs).padStart(DIGITS, "0"));
}

/**
 * The high-water in milliseconds.
 *
 * @throws {PermanentError} if it is missing, which never stands for 0, or no number
 */
export function readHighWater(keys: EtcdKeys, found: FoundKeys): number {
  const value = found.get(keys.highWater)?.value;
  const text = value && textOf(value);
  const highWaterMs = Number(text);
  if (text?.length === DIGITS && /^\d+$/.test(text) && isPhysicalMs(highWaterMs)) {
    return highWaterMs;
  }
  throw unusable(keys.highWater, text);
}
