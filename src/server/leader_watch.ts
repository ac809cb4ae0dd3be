// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import type { LeaderEvent, LeadershipEvent } from "../consensus/driver.ts";
import { eventEpoch } from "../consensus/event_epoch.ts";
import { formatEndpoint } from "../core/endpoint.ts";
import { EpochGuard } from "./epoch_guard.ts";
import type { EpochRegression } from "./epoch_guard.ts";
import { LeadershipStreamError } from "./errors.ts";
import type { EventCursor } from "./event_cursor.ts";
import type { Fence } from "./fence.ts";
import type { Meter } from "./meter.ts";
import type { OracleSettings } from "./options.ts";
import type { ServingCore } from "./serving_core.ts";

const logger = getLogger(["tsoracle", "server"]);

/** What the log says of a change. */
const NEWS = {
  leader: "this node leads",
  follower: "another node leads",
  unknown: "no leader is known",
} as const satisfies Record<LeadershipEvent["kind"], string>;

/** What the watch works with. */
export interface LeaderWatchOptions {
  /** Checked settings of the oracle. */
  readonly settings: OracleSettings;
  /** Allocator and published state. */
  readonly core: ServingCore;
  /** Counters and histograms. */
  readonly meter: Meter;
  /** The leadership stream. */
  readonly cursor: EventCursor;
  /** Makes a leadership safe to serve. */
  readonly fence: Fence;
}

/**
 * Follows the driver's leadership events, one after the other, for the life of the oracle.
 *
 * The change that safety needs comes first, its metrics after it, so that a sink that blocks cannot delay
 * not-serving.
 */
export class LeaderWatch {
  readonly #options: LeaderWatchOptions;
  readonly #guard = new EpochGuard();
  #lastTransitionMs: number | undefined;
  #said: string | undefined;

  /** Makes a watch; nothing runs before {@linkcode run}. */
  constructor(options: LeaderWatchOptions) {
    this.#options = options;
  }

  /** When the latest event was handled, on the monotonic clock. */
  get lastTransitionMs(): number | undefined {
    return this.#lastTransitionMs;
  }

  /**
   * Handles events until the stop.
   *
   * @throws {LeadershipStreamError} if the stream ends unasked
   * @throws whatever the stream or the fence throws; the node must not go on
   */
  async run(): Promise<void> {
    const { cursor } = this.#options;
    while (await cursor.wait() === "ready") {
      const arrival = cursor.take();
      switch (arrival.kind) {
        case "event":
          await this.#handle(arrival.event);
          break;
        case "ended":
          throw new LeadershipStreamError();
        case "failed":
          throw arrival.error;
      }
    }
  }

  async #handle(event: LeadershipEvent): Promise<void> {
    const regression = this.#guard.check(event);
    if (regression !== undefined) return this.#refuse(event, regression);
    const { core } = this.#options;
    switch (event.kind) {
      case "leader":
        return await this.#lead(event);
      case "follower":
        core.stepDown({ leaderEndpoint: event.leaderEndpoint, leaderEpoch: event.leaderEpoch });
        return this.#noteTransition(event);
      case "unknown":
        core.stepDown();
        return this.#noteTransition(event);
    }
  }

  /** The epoch that is being served is confirmed without a fence; any other is fenced. */
  async #lead(event: LeaderEvent): Promise<void> {
    const { core, fence } = this.#options;
    if (core.allocator.epoch === event.epoch) {
      core.confirm(event.certainUntil);
      return this.#noteTransition(event);
    }
    core.stepDown();
    this.#noteTransition(event);
    const outcome = await fence.run(event);
    logger.info("fence ended", { epoch: String(event.epoch), outcome });
  }

  /** An epoch that went back is a driver's bug. Not serving is safe whatever it meant. */
  #refuse(event: LeadershipEvent, regression: EpochRegression): void {
    const { core, meter, settings } = this.#options;
    core.stepDown();
    this.#noteTransition(event);
    meter.count("tsoracle.leader_transition.epoch_regressions.total");
    const { epoch, highest } = regression;
    const message = `the driver's epoch went back from ${highest} to ${epoch}`;
    logger.error("{message}; this node does not serve under it", { message, kind: event.kind });
    if (settings.strictEpochs) throw new RangeError(message);
  }

  #noteTransition(event: LeadershipEvent): void {
    const { meter, settings } = this.#options;
    this.#lastTransitionMs = settings.clock.monotonicMs();
    meter.count("tsoracle.leader_transition.total");
    this.#tell(event);
  }

  /** A change once; that nothing has changed is no news. */
  #tell(event: LeadershipEvent): void {
    const leader = event.kind === "follower" ? event.leaderEndpoint : undefined;
    const fields = {
      epoch: eventEpoch(event)?.toString() ?? null,
      ...(event.kind === "follower" && { leader: leader ? formatEndpoint(leader) : null }),
    };
    const said = JSON.stringify([event.kind, fields]);
    if (said === this.#said) return logger.debug("leadership event", { kind: event.kind });
    this.#said = said;
    logger.info(NEWS[event.kind], fields);
  }
}
