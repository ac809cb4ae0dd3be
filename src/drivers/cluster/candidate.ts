// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import { abortable, onAbort, orAborted } from "../../core/abortable.ts";
import type { LeadershipEvent } from "../../consensus/driver.ts";
import { consensusCodeOf } from "../../consensus/errors.ts";
import { sendTime } from "./certainty.ts";
import type { Claims } from "./claims.ts";
import { isPassing } from "./passing_fault.ts";
import { Reign } from "./reign.ts";
import { positionOf } from "./standing_order.ts";
import { StandingView } from "./standing_view.ts";
import type { Sighting, StandingViewOptions } from "./standing_view.ts";
import type { PeerEndpoint } from "../../core/endpoint.ts";
import { FIRST_INCARNATION } from "./store.ts";
import type { Standing } from "./store.ts";
import { retryPauseMs } from "./timing.ts";

const logger = getLogger(["tsoracle", "cluster"]);

/** What a {@linkcode Candidate} works with. */
export interface CandidateOptions extends Omit<StandingViewOptions, "onChange"> {
  /** The service address of this node. */
  readonly endpoint: PeerEndpoint;
  /** Attempts of this node whose outcome is not known. */
  readonly claims: Claims;
  /** Whether this node may begin terms. */
  readonly mayLead: boolean;
  /** Makes the store ready. It is called once, before anything else. */
  readonly prepare: (signal: AbortSignal) => Promise<void>;
  /** Called with the leadership as this node sees it. It must not throw. */
  readonly report: (event: LeadershipEvent) => void;
}

/**
 * This node in the election, from the beginning of an event stream to its end: it stands by, takes over after
 * silence, leads, and stands by again.
 *
 * Invariant: only {@linkcode run} writes to the store, one step after the other.
 */
export class Candidate {
  readonly #options: CandidateOptions;
  readonly #view: StandingView;
  readonly #halt = new AbortController();
  #mayLead: boolean;
  /** The term that this node holds. */
  #reign: Reign | undefined;
  /** The latest term of this node, also after its end. */
  #ownClaimId: string | undefined;
  #isEngaged = false;
  #hasFailed = false;
  #reported: LeadershipEvent = { kind: "unknown" };

  /** Makes a candidate; nothing happens before {@linkcode run}. */
  constructor(options: CandidateOptions) {
    this.#options = options;
    this.#mayLead = options.mayLead;
    this.#view = new StandingView({ ...options, onChange: () => this.#follow() });
  }

  /** Whether a take-over or a term of this node is not over. */
  get isEngaged(): boolean {
    return this.#isEngaged;
  }

  /** Whether another node is known to lead. */
  get knowsLeader(): boolean {
    return this.#reported.kind === "follower";
  }

  /**
   * Takes part until it is halted.
   *
   * @returns after a halt, once the last term has been given up
   * @throws {PermanentError} if the store cannot be relied on; certainty has ended
   */
  async run(): Promise<void> {
    const watching = this.#watch();
    watching.catch(() => {});
    try {
      await this.#takePart();
      if (!this.#hasFailed) await this.#giveUpLateTerm();
    } finally {
      this.halt();
      await Promise.allSettled([watching]);
    }
    await watching;
  }

  /** Ends certainty at once and for good; {@linkcode run} returns later. */
  halt(): void {
    this.#reign?.end();
    this.#halt.abort();
  }

  /** Ends certainty at once and for good; the term is given up, and this node begins none any more. */
  retire(): void {
    this.#mayLead = false;
    this.#reign?.end();
    this.#view.touch();
  }

  /**
   * Waits until no term of this node is left and another node leads.
   *
   * @throws the reason of the signal, or of the halt
   */
  async untilSucceeded(signal: AbortSignal): Promise<void> {
    while (this.#isEngaged || !this.knowsLeader) {
      await abortable(abortable(this.#view.changed, this.#halt.signal), signal);
    }
  }

  async #watch(): Promise<void> {
    const { signal } = this.#halt;
    try {
      await orAborted(this.#options.prepare(signal), signal);
      await this.#view.run(signal);
    } catch (error) {
      this.#hasFailed = true;
      this.halt();
      throw error;
    }
  }

  async #takePart(): Promise<void> {
    for (;;) {
      const reign = await this.#standBy();
      if (reign === undefined) return;
      await this.#lead(reign);
      this.#isEngaged = false;
      this.#view.doubt();
    }
  }

  /** Waits until a term of this node has begun; `undefined` if it was halted before. */
  async #standBy(): Promise<Reign | undefined> {
    const { clock, timing } = this.#options;
    const { signal } = this.#halt;
    for (let failures = 0; !signal.aborted;) {
      const { sighting } = this.#view;
      const own = sighting && this.#adopt(sighting.standing);
      if (own !== undefined) return own;
      const waitMs = this.#waitMs(sighting);
      if (sighting === undefined || waitMs > 0) {
        if (sighting !== undefined) failures = 0;
        await this.#changeOrTime(waitMs);
        continue;
      }
      const won = await this.#takeOver(sighting.standing);
      if (won !== undefined) return won;
      const pauseMs = retryPauseMs(timing, ++failures);
      await orAborted(clock.delay(pauseMs, { signal }), signal);
    }
    return undefined;
  }

  /** How long until the term may be taken over, in milliseconds. */
  #waitMs(sighting: Sighting | undefined): number {
    if (sighting === undefined || !this.#mayLead) return Infinity;
    const { clock, timing, furthest } = this.#options;
    const { standing, sinceMs } = sighting;
    // A term that a restore has removed may still have a holder, whether this node has seen it or not.
    const wasNeverHeld = standing.term === undefined && furthest.isWithoutTerm &&
      standing.incarnation === FIRST_INCARNATION;
    if (standing.resigned || wasNeverHeld) return 0;
    // Whole: what is left of a sum of fractions could be too little to wait for.
    return Math.ceil(sinceMs + timing.silenceMs - clock.monotonicMs());
  }

  async #changeOrTime(waitMs: number): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#halt;
    const { changed } = this.#view;
    if (waitMs === Infinity) return await orAborted(abortable(changed, signal), signal);
    const over = new AbortController();
    const end = () => over.abort();
    const stopListening = onAbort(signal, end);
    void changed.then(end);
    await orAborted(clock.delay(waitMs, { signal: over.signal }), over.signal);
    stopListening();
  }

  async #takeOver(seen: Standing): Promise<Reign | undefined> {
    const { store, clock, timing, metrics, claims, furthest } = this.#options;
    const { position: known } = furthest;
    const claim = claims.make(seen, sendTime(clock));
    this.#isEngaged = true;
    try {
      const standing = await store.takeOver(seen, claim, { timeoutMs: timing.leaseMs });
      if (standing !== undefined) furthest.refuseBehind(standing, known + 1n);
      // The watch may have told of a later term before this was answered.
      if (standing !== undefined && positionOf(standing) >= furthest.position) {
        const reign = this.#adopt(standing);
        this.#view.see(standing);
        return reign;
      }
      claims.drop(claim);
      metrics.count("tsoracle.driver.take_overs_lost.total", 1);
      this.#view.doubt();
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (consensusCodeOf(error) === "unavailable") claims.drop(claim);
      logger.debug("a take-over was not acknowledged", { error });
      // Silence goes on if nothing has changed: the next attempt is compared with the same standing.
      this.#view.readAgain();
    }
    this.#isEngaged = false;
    return undefined;
  }

  /** A term that an attempt of this node has begun, whatever that attempt was told. */
  #adopt(standing: Standing): Reign | undefined {
    const { store, clock, timing, metrics, claims, furthest } = this.#options;
    const sent = claims.sentOf(standing);
    claims.settle(standing);
    if (sent === undefined || standing.term === undefined) return undefined;
    const { epoch, claimId } = standing.term;
    this.#ownClaimId = claimId;
    this.#isEngaged = true;
    metrics.count("tsoracle.driver.take_overs.total", 1);
    this.#reign = new Reign({ store, clock, timing, metrics, furthest, epoch, sent });
    return this.#reign;
  }

  async #lead(reign: Reign): Promise<void> {
    const { epoch } = reign;
    if (!this.#mayLead || this.#halt.signal.aborted) reign.end();
    else this.#say({ kind: "leader", epoch, certainUntil: () => reign.certainUntil() });
    const outcome = await reign.run();
    this.#reign = undefined;
    this.#follow();
    const isOver = outcome === "overtaken" || this.#options.furthest.position > epoch;
    // What failed may have made the epoch another node's: its term must not be given up.
    if (!isOver && !this.#hasFailed) await reign.resign();
  }

  /** After a halt: nobody would take care of a term that a take-over of unknown outcome has begun. */
  async #giveUpLateTerm(): Promise<void> {
    const { store, timing, claims } = this.#options;
    if (!claims.areOpen) return;
    try {
      const standing = await store.readStanding({ timeoutMs: timing.leaseMs });
      const reign = this.#adopt(standing);
      reign?.end();
      await reign?.resign();
    } catch (error) {
      logger.debug("whether a take-over has succeeded was not found out", { error });
    }
  }

  /** Acts on what the view says. */
  #follow(): void {
    const reign = this.#reign;
    if (reign === undefined) this.#say(this.#describe());
    else if (this.#isOver(reign)) reign.end();
  }

  #isOver(reign: Reign): boolean {
    if (this.#options.furthest.position > reign.epoch) return true;
    const standing = this.#view.sighting?.standing;
    return standing?.term?.epoch === reign.epoch && standing.resigned;
  }

  #say(event: LeadershipEvent): void {
    this.#reported = event;
    this.#options.report(event);
  }

  /** Whether this node has begun the term, or an attempt of its did that was not answered yet. */
  #isOwn(standing: Standing): boolean {
    const isOpen = this.#options.claims.sentOf(standing) !== undefined;
    return isOpen || standing.term?.claimId === this.#ownClaimId;
  }

  #describe(): LeadershipEvent {
    const { endpoint } = this.#options;
    const standing = this.#view.sighting?.standing;
    if (!this.#view.isReached) return { kind: "unknown" };
    if (standing === undefined) return withoutOwn(this.#reported);
    const { term, resigned } = standing;
    if (term === undefined || resigned || this.#isOwn(standing)) return { kind: "unknown" };
    const isHere = term.endpoint.host === endpoint.host && term.endpoint.port === endpoint.port;
    // An earlier process at this address: to hint at it would send callers in a circle.
    if (isHere) return { kind: "follower", leaderEpoch: term.epoch };
    return { kind: "follower", leaderEpoch: term.epoch, leaderEndpoint: term.endpoint };
  }
}

/** What is still true of an event while the leadership is in doubt. */
function withoutOwn(event: LeadershipEvent): LeadershipEvent {
  return event.kind === "leader" ? { kind: "unknown" } : event;
}
