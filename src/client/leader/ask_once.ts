// SPDX-License-Identifier: Apache-2.0

import type { Cluster } from "./cluster.ts";
import { TsoClientError } from "../errors.ts";
import type { Fault } from "../calls/fault.ts";
import { errorOfFault, statusName } from "../calls/fault_error.ts";
import type { Attempted } from "../calls/fault_error.ts";
import type { CallContext } from "../grants.ts";
import { hintError, saysNotLeader } from "./judge.ts";
import type { Question } from "../calls/question.ts";
import { Visitor } from "./visit.ts";

/**
 * Asks once: the leader that is known, else the first endpoint of the rotation (behaviour.md 6.8). The hint of
 * a refusal is taken note of, so that the next call goes to the leader; this one fails all the same.
 */
export class SingleAsker {
  readonly #cluster: Cluster;

  /** Makes an asker. */
  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /**
   * Makes the one attempt.
   *
   * @throws the reason of the signal
   * @throws {TsoClientError} if there is no answer
   */
  async ask<T>(question: Question<T>, call: CallContext): Promise<T> {
    const { signal } = call;
    const { what } = question;
    const cluster = this.#cluster;
    signal.throwIfAborted();
    const address = cluster.worklist().next();
    if (address === undefined) {
      throw new TsoClientError("unreachable", `Cannot ${what}: there is no endpoint to ask`);
    }
    const timeoutMs = Math.min(cluster.settings.retry.attemptTimeoutMs, call.timeoutMs);
    const outcome = await new Visitor(cluster, question).visit(address, { signal, timeoutMs });
    if (outcome.kind === "answer") return outcome.answer;
    if (outcome.kind === "refused") throw outcome.error;
    const { fault } = outcome;
    const attempted = { what, address };
    throw saysNotLeader(fault) ? this.#notLeader(fault, attempted) : errorOfFault(fault, attempted);
  }

  #notLeader(fault: Fault, attempted: Attempted): TsoClientError {
    const { what, address } = attempted;
    const hint = this.#cluster.readHint(fault.metadata);
    this.#cluster.leaders.demote(address);
    if (hint.kind === "unusable") return hintError(fault, { ...attempted, why: hint.why });
    const seated = hint.kind === "leader" && this.#cluster.seatHint(hint);
    const next = seated ? `the next call goes to ${hint.address.name}` : "no leader is known yet";
    const text = `Cannot ${what}: ${address.name} does not lead; ${next}`;
    const { cause, code } = fault;
    return new TsoClientError("no-leader", text, {
      cause,
      endpoint: address.name,
      status: statusName(code),
    });
  }
}
