// SPDX-License-Identifier: Apache-2.0

/** Milliseconds for a table; more digits for what is short. */
export function milliseconds(ms: number): string {
  return ms < 0.1 ? ms.toFixed(4) : ms.toFixed(2);
}

/** A whole number with commas between the thousands. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
