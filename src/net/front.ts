// SPDX-License-Identifier: Apache-2.0

import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import type { Answer, Dispatcher } from "../rpc/answer.ts";
import { readinessOf } from "../rpc/readiness.ts";
import type { CorsPolicy } from "./cors.ts";
import { answerProbe } from "./probes.ts";
import type { ServableOracle } from "./servable.ts";

/** What a front joins. */
export interface FrontOptions {
  /** Asked for readiness. */
  readonly oracle: ServableOracle;
  /** Answers calls. */
  readonly dispatch: Dispatcher;
  /** Which pages may call. */
  readonly cors: CorsPolicy;
  /** Whether the server shuts down. */
  readonly isClosing: () => boolean;
}

/**
 * From request to answer, whatever the connection is.
 *
 * @param dispatch answers in place of the dispatcher, if another answer is wanted
 */
export type Front = (request: UniversalServerRequest, dispatch?: Dispatcher) => Promise<Answer>;

/** Joins CORS, probes and calls, in this order. */
export function createFront(options: FrontOptions): Front {
  const { oracle, cors, isClosing } = options;
  const readiness = () => readinessOf(oracle, isClosing());
  const answer: Front = async (request, dispatch = options.dispatch) => {
    const preflight = cors.preflight(request);
    if (preflight !== undefined) return preflight;
    const probe = answerProbe(request, readiness);
    return cors.decorate(request, probe ?? await dispatch(request));
  };
  return answer;
}
