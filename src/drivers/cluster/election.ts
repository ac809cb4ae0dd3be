// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import { onAbort } from "../../core/abortable.ts";
import type { LeadershipEvent } from "../../consensus/driver.ts";
import { PermanentError } from "../../consensus/errors.ts";
import { Candidate } from "./candidate.ts";
import type { CandidateOptions } from "./candidate.ts";
import { Claims } from "./claims.ts";
import { EventFeed } from "./event_feed.ts";
import { FurthestStanding } from "./standing_order.ts";

const logger = getLogger(["tsoracle", "cluster"]);

/** What an {@linkcode Election} works with. */
export type ElectionOptions = Omit<CandidateOptions, "claims" | "furthest" | "mayLead" | "report">;

/** The part of this node in all elections: one candidate after the other, one per event stream. */
export class Election {
  readonly #options: ElectionOptions;
  readonly #claims: Claims;
  readonly #furthest = new FurthestStanding();
  #candidate: Candidate | undefined;
  #feed: EventFeed | undefined;
  #isRetired = false;
  #isClosed = false;
  /** Settles once no candidate is at work. It never rejects. */
  #idle: Promise<void> = Promise.resolve();

  /** Makes an election that nobody takes part in yet. */
  constructor(options: ElectionOptions) {
    this.#options = options;
    this.#claims = new Claims(options.endpoint);
  }

  /**
   * Takes part from the first `next()` until the signal fires, and yields what becomes of it.
   *
   * @throws {PermanentError} if another consumer reads, after {@linkcode close}, or if the store cannot be relied on
   */
  async *events(signal: AbortSignal): AsyncGenerator<LeadershipEvent, void, undefined> {
    signal.throwIfAborted();
    this.#checkUsable();
    const feed = new EventFeed();
    const candidate = this.#enter(feed);
    const leave = () => {
      candidate.halt();
      if (this.#feed === feed) this.#feed = undefined;
    };
    // At once: a consumer that asks for nothing more would keep the term.
    const stopListening = onAbort(signal, leave);
    try {
      yield* feed.read(signal);
    } finally {
      stopListening();
      leave();
    }
  }

  /**
   * Gives up a term of this node, and begins none any more.
   *
   * @param signal ends the wait for a successor
   * @returns whether another node is known to lead
   */
  async resign(signal: AbortSignal): Promise<boolean> {
    this.#isRetired = true;
    const candidate = this.#candidate;
    if (candidate === undefined) return false;
    candidate.retire();
    if (!candidate.isEngaged) return candidate.knowsLeader;
    await candidate.untilSucceeded(signal).catch(() => {});
    return candidate.knowsLeader;
  }

  /** Ends a stream that is read, and waits until the last term has been given up. It never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#candidate?.halt();
    this.#feed?.fail(closedError());
    await this.#idle;
  }

  #checkUsable(): void {
    if (this.#isClosed) throw closedError();
    if (this.#feed === undefined) return;
    throw new PermanentError(
      "Cannot read the leadership events as another consumer reads them: end its signal first",
    );
  }

  #enter(feed: EventFeed): Candidate {
    const candidate = new Candidate({
      ...this.#options,
      claims: this.#claims,
      furthest: this.#furthest,
      mayLead: !this.#isRetired,
      report: (event) => feed.push(event),
    });
    this.#feed = feed;
    this.#candidate = candidate;
    this.#idle = this.#idle.then(() => candidate.run()).catch((error: unknown) => {
      logger.error("this node does not take part in elections any more: {error}", { error });
      feed.fail(error);
    });
    return candidate;
  }
}

/** What a closed driver is used in vain with. */
export function closedError(): PermanentError {
  return new PermanentError("Cannot use the driver as it is closed: make a new one");
}
