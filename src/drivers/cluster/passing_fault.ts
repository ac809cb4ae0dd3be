// SPDX-License-Identifier: Apache-2.0

import { consensusCodeOf } from "../../consensus/errors.ts";

/** Whether a fault of the store may pass by itself, so that the call is worth another attempt. */
export function isPassing(error: unknown): boolean {
  const code = consensusCodeOf(error);
  return code === "transient" || code === "unavailable";
}

/** Whether the store has refused a write because its epoch is not the latest. */
export function isOvertaken(error: unknown): boolean {
  const code = consensusCodeOf(error);
  return code === "not-leader" || code === "fenced";
}
