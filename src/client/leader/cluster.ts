// SPDX-License-Identifier: Apache-2.0

import { Avoided } from "./avoided.ts";
import { ChannelPool } from "../channels/channel_pool.ts";
import { HintReader } from "./hint.ts";
import type { HintReading } from "./hint.ts";
import { LeaderCache } from "./leader_cache.ts";
import type { LeaderClaim } from "./leader_cache.ts";
import type { ClientCounterName } from "../metrics.ts";
import { TimestampAnswers } from "../calls/timestamp_answers.ts";
import { Received } from "./received.ts";
import type { ClientSettings } from "../settings.ts";
import { Rotation, Worklist } from "./worklist.ts";

/** What all calls of a client know about its servers together. */
export class Cluster {
  /** Checked settings. */
  readonly settings: ClientSettings;
  /** The connections. */
  readonly pool: ChannelPool;
  /** Who leads, as far as is known. */
  readonly leaders: LeaderCache;
  /** Servers whose answers went back. */
  readonly avoided: Avoided;
  /** Reads what leaders answer. */
  readonly answers = new TimestampAnswers();
  /** The highest that was received. */
  readonly received = new Received();
  readonly #hints: HintReader;
  readonly #rotation: Rotation;

  /** Knows the configured endpoints and nothing else. */
  constructor(settings: ClientSettings) {
    const { clock, leaderTtlMs: ttlMs, endpoints } = settings;
    const onPivot = () => this.count("tsoracle.client.leader_pivots.total");
    this.settings = settings;
    this.pool = new ChannelPool(settings.connect);
    this.leaders = new LeaderCache({ clock, ttlMs, onPivot });
    this.avoided = new Avoided(clock, ttlMs);
    this.#hints = new HintReader(endpoints, settings.hints);
    this.#rotation = new Rotation(endpoints, settings.random());
  }

  /** The endpoints to visit in one pass. */
  worklist(): Worklist {
    const { leader, failed } = this.leaders;
    return new Worklist({
      leader,
      failed,
      endpoints: this.#rotation.next(),
      avoids: (address) => this.avoided.has(address),
    });
  }

  /** A pass came to its end with the leader that is known. */
  skipWorklist(): void {
    this.#rotation.skip();
  }

  /** Reads the hint of a not-leader answer, and counts both. */
  readHint(metadata: Headers): HintReading {
    const reading = this.#hints.read(metadata);
    this.count("tsoracle.client.not_leader.total");
    if (reading.kind === "unusable") {
      this.count("tsoracle.client.leader_hint.decode_failures.total");
    }
    return reading;
  }

  /** Takes note of a hint. Returns whether it is news, or at least not behind what is known. */
  seatHint(claim: Omit<LeaderClaim, "source">): boolean {
    const seated = this.leaders.seat({ ...claim, source: "hint" });
    if (!seated) this.count("tsoracle.client.leader_hint.stale.total");
    return seated;
  }

  /** Adds one to a counter. */
  count(name: ClientCounterName): void {
    this.settings.metrics.count(name, 1);
  }
}
