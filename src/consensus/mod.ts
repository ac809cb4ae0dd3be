// SPDX-License-Identifier: Apache-2.0

export type {
  ConsensusDriver,
  DriverCallOptions,
  FollowerEvent,
  LeaderEvent,
  LeadershipEvent,
  UnknownEvent,
} from "./driver.ts";
export {
  AdvanceOutOfRangeError,
  checkAdvance,
  ConsensusError,
  FencedError,
  NotLeaderError,
  PermanentError,
  TransientError,
} from "./errors.ts";
export type { ConsensusErrorCode } from "./errors.ts";
