// SPDX-License-Identifier: Apache-2.0

import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import { LONGEST_TIMER_MS } from "../core/timer_limit.ts";

/** Units of gRPC in milliseconds. Of the others a deadline has too few digits to be longer than a timer. */
const LONG_UNITS_MS: ReadonlyMap<string, number> = new Map([["H", 3_600_000], ["M", 60_000], [
  "S",
  1_000,
]]);

/** The fields with a deadline, and the longest timer as they write it: gRPC has eight digits for it. */
const DEADLINES = [
  {
    name: "grpc-timeout",
    msOf: grpcMs,
    longest: `${Math.floor(LONGEST_TIMER_MS / 1_000)}S`,
  },
  { name: "connect-timeout-ms", msOf: connectMs, longest: String(LONGEST_TIMER_MS) },
] as const;

/**
 * Shortens a deadline that is longer than any timer to the longest. Connect refuses either, but sets a timer first, and
 * one that is too long fires at once and makes Node print a warning.
 */
export function withTimerDeadline(request: UniversalServerRequest): UniversalServerRequest {
  const long = DEADLINES.filter(({ name, msOf }) =>
    msOf(request.header.get(name) ?? "") > LONGEST_TIMER_MS
  );
  if (long.length === 0) return request;
  const header = new Headers(request.header);
  for (const { name, longest } of long) header.set(name, longest);
  return { ...request, header };
}

function grpcMs(value: string): number {
  const [, digits = "", unit = ""] = /^(\d{1,8})([HMS])$/.exec(value) ?? [];
  return Number(digits) * (LONG_UNITS_MS.get(unit) ?? 0);
}

function connectMs(value: string): number {
  return /^\d{1,10}$/.test(value) ? Number(value) : 0;
}
