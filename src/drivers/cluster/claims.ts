// SPDX-License-Identifier: Apache-2.0

import type { PeerEndpoint } from "../../core/endpoint.ts";
import type { Epoch } from "../../core/epoch.ts";
import type { SendTime } from "./certainty.ts";
import { positionOf } from "./standing_order.ts";
import type { Claim, Standing } from "./store.ts";

interface OpenClaim {
  /** What the attempt wants to follow on. */
  readonly position: Epoch;
  readonly sent: SendTime;
}

/**
 * The attempts of this node to begin a term whose outcome is not known. One that is found to have succeeded is
 * adopted with the time at which it was sent.
 */
export class Claims {
  readonly #endpoint: PeerEndpoint;
  readonly #open = new Map<string, OpenClaim>();

  /** Begins with no attempt. */
  constructor(endpoint: PeerEndpoint) {
    this.#endpoint = endpoint;
  }

  /** Whether the outcome of an attempt is not known. */
  get areOpen(): boolean {
    return this.#open.size > 0;
  }

  /** Makes the claim of an attempt that is about to be sent. */
  make(seen: Standing, sent: SendTime): Claim {
    const id = crypto.randomUUID();
    this.#open.set(id, { position: positionOf(seen), sent });
    return { id, endpoint: this.#endpoint };
  }

  /** The attempt did nothing, and will not. */
  drop(claim: Claim): void {
    this.#open.delete(claim.id);
  }

  /** When the attempt was sent that began this term; `undefined` if none of the open ones did. */
  sentOf(standing: Standing): SendTime | undefined {
    return standing.term && this.#open.get(standing.term.claimId)?.sent;
  }

  /**
   * Closes what this standing decides: an attempt to follow on an earlier one has succeeded by now, or never will.
   * So no term is adopted twice; it may have been given up in between.
   */
  settle(standing: Standing): void {
    const position = positionOf(standing);
    for (const [id, claim] of this.#open) if (claim.position < position) this.#open.delete(id);
  }
}
