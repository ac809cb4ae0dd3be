// SPDX-License-Identifier: Apache-2.0

import { PermanentError } from "../../consensus/errors.ts";
import type { Epoch } from "../../core/epoch.ts";
import type { Standing, Term } from "./store.ts";

const HALF_BITS = 64n;

/**
 * How far the leadership has come: the epoch of the latest term or, without one, the least of the incarnation. It never goes
 * back in a store that keeps what it acknowledges.
 */
export function positionOf(standing: Standing): Epoch {
  return standing.term?.epoch ?? standing.incarnation << HALF_BITS;
}

/** Whether two standings are the same, to the last heartbeat. */
export function isSameStanding(one: Standing, other: Standing): boolean {
  return positionOf(one) === positionOf(other) && one.beat === other.beat &&
    one.resigned === other.resigned;
}

/**
 * The furthest that the leadership was ever seen. A linearized read that finds less proves that the engine has lost
 * what it had acknowledged, and with the term also the high-water: timestamps would repeat.
 */
export class FurthestStanding {
  #position: Epoch = -1n;
  #term: Term | undefined;

  /** The furthest position, -1 if nothing was seen. */
  get position(): Epoch {
    return this.#position;
  }

  /** Whether no term was ever seen. */
  get isWithoutTerm(): boolean {
    return this.#term === undefined;
  }

  /**
   * Takes note of a standing that is not behind.
   *
   * @throws {PermanentError} if another holder has the same epoch
   */
  note(standing: Standing): void {
    const { term } = standing;
    const position = positionOf(standing);
    if (position < this.#position) return;
    if (term?.epoch === this.#term?.epoch && term?.claimId !== this.#term?.claimId) {
      throw wentBack(`epoch ${position} was held by another node before`);
    }
    this.#position = position;
    this.#term = term ?? this.#term;
  }

  /**
   * Refuses what a call has found if it is behind what was known when the call began.
   *
   * @throws {PermanentError} if it is
   */
  refuseBehind(standing: Standing, known: Epoch): void {
    const position = positionOf(standing);
    if (position < known) {
      throw wentBack(`epoch ${position} is there and epoch ${known} was there before`);
    }
  }
}

/** The fault of an engine that has lost writes. */
export function wentBack(what: string): PermanentError {
  return new PermanentError(
    `Cannot lead as the store went back: ${what}; it was restored, or failed over to a replica that lagged. Stop all nodes, restore it as docs/operations.md says, and start them again`,
  );
}
