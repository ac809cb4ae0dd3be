// SPDX-License-Identifier: Apache-2.0

import { LONGEST_TIMER_MS } from "../../core/timer_limit.ts";
import type { StateDirectoryOptions } from "./state_directory.ts";

/** Most keys that the record can count. */
const MAX_SEQUENCE_KEYS = 2 ** 32 - 1;

/** What a {@linkcode FileDriver} may do. */
export interface FileDriverLimits {
  /**
   * How long a call may wait for the disk, in milliseconds, before it is answered with a transient error. A
   * write that has begun goes on.
   *
   * @default {10_000}
   */
  readonly deadlineMs?: number | undefined;
  /**
   * How many sequences there may be, 1 to 2^32 - 1. It is stored with the next write of sequences. If there
   * are more already, all of them can be used, but no other.
   *
   * @default the stored number; 10_000 in a new directory
   */
  readonly maxSequenceKeys?: number | undefined;
}

/** Options of {@linkcode FileDriver.open}. */
export interface FileDriverOptions extends FileDriverLimits, StateDirectoryOptions {}

/** Options of {@linkcode FileDriver.init}. */
export interface FileDriverInitOptions extends StateDirectoryOptions {
  /** The high-water to begin with, milliseconds since the Unix epoch, 0 to 2^46 - 1. */
  readonly seedPhysicalMs: number;
}

/** @throws {RangeError} if a limit is out of range; the message names it */
export function checkLimits(limits: FileDriverLimits): void {
  const { deadlineMs, maxSequenceKeys } = limits;
  if (deadlineMs !== undefined) checkDeadline(deadlineMs);
  if (maxSequenceKeys !== undefined) checkMaxSequenceKeys(maxSequenceKeys);
}

function checkDeadline(deadlineMs: number): void {
  if (deadlineMs > 0 && deadlineMs <= LONGEST_TIMER_MS) return;
  throw new RangeError(
    `Cannot open as 'deadlineMs' must be above 0 and at most ${LONGEST_TIMER_MS}: current value is ${deadlineMs}`,
  );
}

function checkMaxSequenceKeys(maxSequenceKeys: number): void {
  const whole = Number.isInteger(maxSequenceKeys);
  if (whole && maxSequenceKeys >= 1 && maxSequenceKeys <= MAX_SEQUENCE_KEYS) return;
  throw new RangeError(
    `Cannot open as 'maxSequenceKeys' must be a whole number from 1 to ${MAX_SEQUENCE_KEYS}: current value is ${maxSequenceKeys}`,
  );
}
