// SPDX-License-Identifier: Apache-2.0

const BASE_MS = 25;
const CAP_MS = 250;

/**
 * How long to wait before an attempt is repeated after a transient fault: 25 ms, doubling, at most 250 ms
 * (behaviour.md 3.4).
 *
 * @param failures how many attempts have failed in a row, at least 1
 * @returns milliseconds
 */
export function retryDelayMs(failures: number): number {
  return Math.min(BASE_MS * 2 ** Math.min(failures - 1, 16), CAP_MS);
}

/** Whether this retry is worth a warning: the 8th, then every 20th after it (behaviour.md 3.4). */
export function isRetryToWarnOf(failures: number): boolean {
  return failures >= 8 && (failures - 8) % 20 === 0;
}
