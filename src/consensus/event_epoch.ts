// SPDX-License-Identifier: Apache-2.0

import type { Epoch } from "../core/epoch.ts";
import type { LeadershipEvent } from "./driver.ts";

/** The epoch that an event names, whoever leads under it; `undefined` if it names none. */
export function eventEpoch(event: LeadershipEvent): Epoch | undefined {
  switch (event.kind) {
    case "leader":
      return event.epoch;
    case "follower":
      return event.leaderEpoch;
    case "unknown":
      return undefined;
  }
}
