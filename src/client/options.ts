// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../core/clock.ts";
import type { ClientMetrics } from "./metrics.ts";
import type { ClientTlsOptions, ConnectChannel } from "./channels/channel.ts";

/** Options of a client. Durations are in milliseconds. */
export interface ClientOptions {
  /**
   * The servers to begin with, at least one: `host:port`, or with a scheme `http://host:port` or
   * `https://host:port`. A server that does not lead sends the client to the one that does.
   */
  readonly endpoints: readonly string[];
  /**
   * Speaks TLS. `true` trusts the authorities of the system; in a browser nothing else can be chosen. An
   * endpoint with the scheme `http://` stays plaintext; a server's hint cannot ask for plaintext.
   *
   * @default {false}
   */
  readonly tls?: boolean | ClientTlsOptions;
  /**
   * Most batches of timestamp requests under way at the same time, at least 1.
   *
   * @default {2}
   */
  readonly maxInFlight?: number;
  /**
   * Most callers that may wait for a batch to leave, at least 1. One more is refused with `queue-full`.
   *
   * @default {65_536}
   */
  readonly maxQueued?: number;
  /** How a call is retried; what is left out keeps its default. */
  readonly retry?: RetryOptions;
  /**
   * How long the client goes to the leader it knows without having heard of it, above 0.
   *
   * @default {30_000}
   */
  readonly leaderTtlMs?: number;
  /**
   * Opens channels in another way, over whichever Connect transport it makes. `tls` still decides the scheme of
   * endpoints without one, and of hints; what to do with its certificates is then up to this function.
   *
   * @default {gRPC on Deno and Node, gRPC-Web over fetch from `./web`}
   */
  readonly connect?: ConnectChannel;
  /**
   * Where to report to.
   *
   * @default {NO_CLIENT_METRICS}
   */
  readonly metrics?: ClientMetrics;
  /**
   * Where time comes from; for tests.
   *
   * @default {new SystemClock()}
   */
  readonly clock?: Clock;
  /**
   * Random numbers of 0 to below 1, for the jitter and for the endpoint to begin with; for tests.
   *
   * @default {Math.random}
   */
  readonly random?: () => number;
}

/** How a call is retried (behaviour.md 6.4). */
export interface RetryOptions {
  /**
   * Failed attempts before a call fails, at least 1; raised to the number of endpoints of its first pass. A
   * hint costs none, nor does anything that passes once a server has said that nobody leads: only `timeoutMs`
   * ends the wait for an election.
   *
   * @default {5}
   */
  readonly maxAttempts?: number;
  /**
   * The longest one attempt may take, connecting included.
   *
   * @default {2_000}
   */
  readonly attemptTimeoutMs?: number;
  /**
   * The longest a call may take in all, unless the call says otherwise.
   *
   * @default {10_000}
   */
  readonly timeoutMs?: number;
  /**
   * The wait before a further attempt is random between 0 and this times two to the power of the attempt,
   * 5 s at most. At least 1.
   *
   * @default {50}
   */
  readonly baseBackoffMs?: number;
}

/** Options of every call. */
export interface ClientCallOptions {
  /**
   * Ends the wait, by throwing the signal's reason; a call for ordinals that has sent its request throws a
   * `SeqUncertainError` whose cause is the reason.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * The longest this call may take.
   *
   * @default {`retry.timeoutMs`}
   */
  readonly timeoutMs?: number | undefined;
}
