// SPDX-License-Identifier: Apache-2.0

import type { Epoch } from "../../core/epoch.ts";
import type { EndpointAddress } from "./endpoint_address.ts";
import type { Attempted } from "../calls/fault_error.ts";
import type { Question } from "../calls/question.ts";
import type { NoAnswer } from "./visit.ts";

/** Why a further attempt is made, for the counters. */
export type RetryReason =
  | "connect_failure"
  | "not_leader"
  | "transport"
  | "decode_error"
  | "deadline_exceeded";

/** Another server leads; it is asked next, at no charge. */
export interface LeaderVerdict {
  /** Tells the verdicts apart. */
  readonly kind: "leader";
  /** The one that leads. */
  readonly address: EndpointAddress;
  /** Its epoch, if it was named. */
  readonly epoch: Epoch | undefined;
}

/** An attempt is used up. */
export interface FailedVerdict {
  /** Tells the verdicts apart. */
  readonly kind: "failed";
  /** What to throw if nothing better comes. */
  readonly error: Error;
  /** What went wrong. */
  readonly reason: RetryReason;
  /** Whether the same request may succeed a little later: there is a pause, and perhaps another pass. */
  readonly passing: boolean;
}

/**
 * What a visit without an answer means for the search of the leader (behaviour.md 6.5). Besides the two
 * above: nobody leads yet as far as this server knows; it cannot say who leads, and the others are asked at no
 * charge; or the call ends here.
 */
export type Verdict =
  | LeaderVerdict
  | FailedVerdict
  | { readonly kind: "no-leader" }
  | { readonly kind: "passed"; readonly error: Error }
  | { readonly kind: "final"; readonly error: Error };

/** A question that is put to one endpoint after the other, until the leader answers. */
export interface SearchQuestion<T> extends Question<T> {
  /** Says what a visit without an answer means. */
  judge(outcome: NoAnswer, attempted: Attempted): Verdict;
}
