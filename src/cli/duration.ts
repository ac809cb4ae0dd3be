// SPDX-License-Identifier: Apache-2.0

import { LONGEST_TIMER_MS } from "../core/timer_limit.ts";
import { ValueError } from "./errors.ts";

const UNITS: ReadonlyMap<string, number> = new Map([
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
]);

/**
 * Parses a duration: a number with its unit, such as `3s`, `250ms`, `1.5m`, or several of them, the
 * larger unit first, such as `1m30s`. Only zero needs no unit.
 *
 * @param text the duration as a person writes it
 * @returns whole milliseconds, 0 to {@linkcode LONGEST_TIMER_MS}
 * @throws {ValueError} if the unit is missing or unknown, or the value is not whole milliseconds in range
 */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  if (/^[0-9.]+$/.test(text)) {
    throw new ValueError(`a duration needs a unit; write ${text}s or ${text}ms`);
  }
  const parts = [...text.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|h|m|s)/g)];
  const units = parts.map((part) => UNITS.get(part[2] ?? "") ?? 0);
  const ordered = units.every((unit, index) => index === 0 || unit < (units[index - 1] ?? 0));
  if (parts.length === 0 || parts.map((part) => part[0]).join("") !== text || !ordered) {
    throw new ValueError("a duration is a number with a unit (ms, s, m, h), such as 3s or 250ms");
  }
  const ms = parts.reduce((sum, part, index) => sum + Number(part[1]) * (units[index] ?? 0), 0);
  // 0.1 * 3 is not 0.3 in binary; a ten-thousandth of a millisecond is no one's intent.
  const whole = Math.round(ms);
  if (Math.abs(ms - whole) > 1e-4) throw new ValueError("a duration must be whole milliseconds");
  if (whole > LONGEST_TIMER_MS) throw new ValueError("a duration must be at most 596h");
  return whole;
}

/**
 * Writes a duration in the shortest exact form; the inverse of {@linkcode parseDuration}.
 *
 * @param ms whole milliseconds, at least 0
 */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  let rest = ms;
  let text = "";
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}
