// SPDX-License-Identifier: Apache-2.0

import type { TimestampSource } from "../../rpc/timestamp_source.ts";
import type { GrantNow } from "./fast_lane.ts";

/**
 * What a fast lane in front of an oracle grants with. There is none if the oracle has no `getTsNow`, or if its `getTs`
 * was replaced by a subclass or on the object: the lane would go past it.
 */
export function grantNowOf(oracle: TimestampSource): GrantNow | undefined {
  if (holderOf(oracle, "getTs") !== holderOf(oracle, "getTsNow")) return undefined;
  return oracle.getTsNow?.bind(oracle);
}

/** The object of a chain of prototypes that has the member itself. */
function holderOf(object: object, member: keyof TimestampSource): object | null {
  let holder: object | null = object;
  while (holder !== null && !Object.hasOwn(holder, member)) holder = Object.getPrototypeOf(holder);
  return holder;
}
