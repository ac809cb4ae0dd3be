// SPDX-License-Identifier: Apache-2.0

import { formatEndpoint } from "../core/endpoint.ts";
import type { ServingState } from "../server/serving.ts";

/** The part of an `Oracle` that tells whether to send requests to it. */
export interface ReadinessSource {
  /** Whether a call would be granted now. */
  readonly isServing: boolean;
  /** The published serving state. */
  readonly state: ServingState;

  /**
   * The present state, then each later one.
   *
   * @param options.signal ends the stream, by throwing its reason to a reader that waits
   */
  watchState(
    options: { readonly signal: AbortSignal },
  ): AsyncGenerator<ServingState, void, undefined>;
}

/** What `/readyz` and the health service say. */
export interface Readiness {
  /** Whether to send requests here. */
  readonly ready: boolean;
  /** Why, in one line. */
  readonly text: string;
}

/**
 * Whether this node is of use to a client: it serves, or it knows who does and sends the client there. A
 * node without a leader is of no use, and one that shuts down wants no new client.
 */
export function readinessOf(
  oracle: Pick<ReadinessSource, "isServing" | "state">,
  isClosing: boolean,
): Readiness {
  if (isClosing) return { ready: false, text: "not ready: the server is shutting down" };
  const { isServing, state } = oracle;
  if (isServing) return { ready: true, text: "ok: serving" };
  if (state.kind === "serving") {
    return { ready: false, text: "not ready: this node is not certain to lead any more" };
  }
  const leader = state.leaderEndpoint;
  return leader === undefined
    ? { ready: false, text: "not ready: this node does not serve and knows no leader" }
    : { ready: true, text: `ok: the leader is ${formatEndpoint(leader)}` };
}
