// SPDX-License-Identifier: Apache-2.0

import type { Grant } from "../../core/allocator.ts";
import type { TimestampSource } from "../../rpc/timestamp_source.ts";

/** The part of an oracle that the lane needs. */
export interface InstantSource {
  /**
   * Grants what can be granted at once; nothing otherwise, and then nothing has happened.
   *
   * @param nowMs a sample of `wallMs`; by default one is taken
   */
  getTsNow(count: number, nowMs?: number): Grant | undefined;

  /** The wall clock in milliseconds. Without it each call takes a sample of its own. */
  wallMs?(): number;
}

/**
 * What a fast lane in front of an oracle grants with. There is none if the oracle has no `getTsNow`, or if its `getTs`
 * was replaced by a subclass or on the object: the lane would go past it.
 */
export function instantSourceOf(oracle: TimestampSource): InstantSource | undefined {
  if (holderOf(oracle, "getTs") !== holderOf(oracle, "getTsNow")) return undefined;
  return isInstant(oracle) ? oracle : undefined;
}

function isInstant(oracle: TimestampSource): oracle is TimestampSource & InstantSource {
  return oracle.getTsNow !== undefined;
}

/** The object of a chain of prototypes that has the member itself. */
function holderOf(object: object, member: keyof TimestampSource): object | null {
  let holder: object | null = object;
  while (holder !== null && !Object.hasOwn(holder, member)) holder = Object.getPrototypeOf(holder);
  return holder;
}
