// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../core/clock.ts";
import type { Epoch } from "../../core/epoch.ts";
import type { EndpointAddress } from "./endpoint_address.ts";

/** Somebody's word about who leads. */
export interface LeaderClaim {
  /** The leader. */
  readonly address: EndpointAddress;
  /** Its epoch, if it was named. */
  readonly epoch: Epoch | undefined;
  /** Whether the leader itself answered, or another server named it. */
  readonly source: "answer" | "hint";
}

interface Entry {
  readonly address: EndpointAddress;
  readonly epoch: Epoch | undefined;
  readonly heardAtMs: number;
  readonly failed: boolean;
}

/** Options of {@linkcode LeaderCache}. */
export interface LeaderCacheOptions {
  /** Its monotonic half tells how old an entry is. */
  readonly clock: Clock;
  /** How long an entry lives without news, in milliseconds. */
  readonly ttlMs: number;
  /** Told when another endpoint takes the place of one that was known. */
  readonly onPivot: () => void;
}

/** The leader as far as the client knows (behaviour.md 6.6). */
export class LeaderCache {
  readonly #options: LeaderCacheOptions;
  #entry: Entry | undefined;

  /** Makes a cache that knows nobody. */
  constructor(options: LeaderCacheOptions) {
    this.#options = options;
  }

  /** Where to go first: the leader that is known, unless it has failed since. */
  get leader(): EndpointAddress | undefined {
    const entry = this.#fresh();
    return entry === undefined || entry.failed ? undefined : entry.address;
  }

  /** Where to go last: the leader that is known, if it has failed since. */
  get failed(): EndpointAddress | undefined {
    const entry = this.#fresh();
    return entry?.failed ? entry.address : undefined;
  }

  /**
   * Takes note of a claim, unless what is known is better.
   *
   * @returns whether the claim was accepted; a hint that was not is stale
   */
  seat(claim: LeaderClaim): boolean {
    const known = this.#fresh();
    const same = known?.address.name === claim.address.name;
    if (known !== undefined && !same && !supersedes(claim, known)) return false;
    const before = this.#entry?.address.name ?? claim.address.name;
    this.#entry = {
      address: claim.address,
      epoch: same ? higher(known?.epoch, claim.epoch) : claim.epoch,
      heardAtMs: this.#options.clock.monotonicMs(),
      failed: false,
    };
    if (before !== claim.address.name) this.#options.onPivot();
    return true;
  }

  /**
   * Sends the next calls elsewhere first, if this is the leader that is known. Its epoch is still known, so
   * that older claims stay behind it.
   */
  demote(address: EndpointAddress): void {
    const entry = this.#entry;
    if (entry?.address.name === address.name) this.#entry = { ...entry, failed: true };
  }

  #fresh(): Entry | undefined {
    const entry = this.#entry;
    if (entry === undefined) return undefined;
    const ageMs = this.#options.clock.monotonicMs() - entry.heardAtMs;
    return ageMs < this.#options.ttlMs ? entry : undefined;
  }
}

/** The seat rule for a claim about another endpoint than the one that is known. */
function supersedes(claim: LeaderClaim, known: Entry): boolean {
  if (known.epoch !== undefined && claim.epoch !== undefined) return claim.epoch >= known.epoch;
  // An answer may be late. That it came at all says more than a leader without epoch that has failed.
  if (claim.source === "answer") return known.epoch === undefined && known.failed;
  return known.epoch === undefined || claim.address.configured;
}

function higher(known: Epoch | undefined, claimed: Epoch | undefined): Epoch | undefined {
  if (known === undefined || claimed === undefined) return known ?? claimed;
  return claimed > known ? claimed : known;
}
