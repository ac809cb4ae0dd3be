// SPDX-License-Identifier: Apache-2.0

import { createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import { TsoService } from "../gen/tsoracle/v1/tso_pb.ts";
import { OracleError } from "../server/errors.ts";
import type { LeaderHint } from "../server/errors.ts";
import type { ServingState } from "../server/serving.ts";
import type { Answer, LateCheck } from "./answer.ts";
import type { ReadinessSource } from "./readiness.ts";
import { toStatus } from "./status.ts";

/**
 * Makes the last look for answers of GetTs. The oracle has checked the deadline of its leadership at the grant, and that
 * is what order rests on; between the grant and the socket a process can be paused, and timestamps that come out of
 * such a pause are late for whoever waits for them.
 *
 * Ordinals and leases have none: they are durable in the engine, whoever leads by now, so their answers stay true,
 * and to drop one would lose what it says.
 *
 * One check serves all requests of a leadership: a request costs neither a promise nor an object.
 */
export class LateChecks {
  readonly #oracle: Pick<ReadinessSource, "isServing" | "state">;
  readonly #refuser: UniversalHandler;
  #latest: { readonly state: ServingState; readonly check: LateCheck } | undefined;

  /** Makes checks for the answers of an oracle. */
  constructor(oracle: Pick<ReadinessSource, "isServing" | "state">) {
    this.#oracle = oracle;
    this.#refuser = refuser(() => oracle.state);
  }

  /** The check for a call that begins now; a node that does not serve has nothing to take back. */
  get current(): LateCheck | undefined {
    const { state } = this.#oracle;
    if (state.kind !== "serving") return undefined;
    if (this.#latest?.state !== state) this.#latest = { state, check: this.#checkFor(state) };
    return this.#latest.check;
  }

  #checkFor(state: ServingState): LateCheck {
    return {
      holds: () => this.#oracle.state === state && this.#oracle.isServing,
      instead: (request): Promise<Answer> => this.#refuser(asEmpty(request)),
    };
  }
}

/** A handler of GetTs that always refuses, so that Connect words the refusal in every protocol. */
function refuser(state: () => ServingState): UniversalHandler {
  const router = createConnectRouter();
  router.service(TsoService, {
    getTs() {
      throw toStatus(new OracleError("not-leader", "not leader", { hint: hintOf(state()) }));
    },
  });
  const { name } = TsoService.method.getTs;
  const handler = router.handlers.find(({ method }) => method.name === name);
  if (handler === undefined) throw new TypeError(`Connect mounted no ${name}`);
  return handler;
}

function hintOf(state: ServingState): LeaderHint {
  return state.kind === "serving" ? {} : state;
}

/** The request again, with an empty message: its own has been read. */
function asEmpty(request: UniversalServerRequest): UniversalServerRequest {
  const header = new Headers(request.header);
  for (const name of ["content-encoding", "content-length"]) header.delete(name);
  return { ...request, header, body: emptyMessage(header.get("content-type") ?? "") };
}

async function* emptyMessage(contentType: string): AsyncGenerator<Uint8Array> {
  const message = new TextEncoder().encode(/json/i.test(contentType) ? "{}" : "");
  const isEnveloped = /^application\/grpc/i.test(contentType);
  yield isEnveloped ? new Uint8Array([0, 0, 0, 0, message.length, ...message]) : message;
}
