// SPDX-License-Identifier: Apache-2.0

import { backoffMs } from "./backoff.ts";
import type { Cluster } from "./cluster.ts";
import type { EndpointAddress } from "./endpoint_address.ts";
import { TsoClientError } from "../errors.ts";
import type { CallContext } from "../grants.ts";
import type { MadeAttempt } from "./direct_attempt.ts";
import type { FailedVerdict, LeaderVerdict, RetryReason, SearchQuestion } from "./verdict.ts";
import { Visitor } from "./visit.ts";
import type { Visited } from "./visit.ts";
import type { Worklist } from "./worklist.ts";

/** Most hints that are followed in one pass (behaviour.md 6.4). */
export const MAX_REDIRECTS_PER_PASS = 16;

/** Most hints that are followed in one call (behaviour.md 6.4). */
export const MAX_REDIRECTS = 64;

/**
 * One call that looks for the leader (behaviour.md 6.5): it passes over the endpoints, the known leader first
 * and whoever a hint names before the rest. Hints and elections are no failures and cost no attempt. An
 * election is ridden out until the time of the call is over; from its first sign on, a fault that passes
 * costs no attempt either, because the old leader stays away for as long as the election takes.
 */
export class LeaderSearch<T> {
  readonly #cluster: Cluster;
  readonly #question: SearchQuestion<T>;
  readonly #visitor: Visitor<T>;
  readonly #signal: AbortSignal;
  readonly #onFault: ((error: unknown) => void) | undefined;
  readonly #endMs: number;
  readonly #failedHere = new Set<string>();
  readonly #attempts: number;
  #worklist: Worklist;
  #failures = 0;
  #redirects = 0;
  #passRedirects = 0;
  /** Who said last, in this call, that nobody leads; empty if nobody has. */
  #election: string | undefined;
  /** Whether the pass saw something that may be different in the next one. */
  #again = false;
  /** The failure that is spoken of if the call fails. */
  #last: { readonly error: Error; readonly passing: boolean } | undefined;
  #retryReason: RetryReason | undefined;

  /** Begins a call; its time runs from here. */
  constructor(cluster: Cluster, question: SearchQuestion<T>, call: CallContext) {
    const { clock, retry } = cluster.settings;
    this.#cluster = cluster;
    this.#question = question;
    this.#visitor = new Visitor(cluster, question);
    this.#signal = call.signal;
    this.#onFault = call.onFault;
    this.#endMs = clock.monotonicMs() + call.timeoutMs;
    this.#worklist = cluster.worklist();
    this.#attempts = Math.max(retry.maxAttempts, this.#worklist.size);
  }

  /**
   * Searches until there is an answer.
   *
   * @param made an attempt of this call that was made before
   * @throws the reason of the signal
   * @throws {TsoClientError} if there is none within the limits
   */
  async run(made?: MadeAttempt<T>): Promise<T> {
    for (let pass = 0;; pass++) {
      const found = await this.#pass(pass === 0 ? made : undefined);
      if (found !== undefined) return found.answer;
      if (!this.#again) throw this.#error();
      await this.#pause(pass);
      this.#worklist = this.#cluster.worklist();
    }
  }

  async #pass(made: MadeAttempt<T> | undefined): Promise<{ readonly answer: T } | undefined> {
    this.#again = false;
    this.#passRedirects = 0;
    if (made !== undefined) this.#worklist.follow(made.address);
    for (let past = made;; past = undefined) {
      const address = this.#worklist.next();
      if (address === undefined) return undefined;
      const outcome = past === undefined ? await this.#visit(address) : past.outcome();
      if (outcome.kind === "answer") return outcome;
      const verdict = this.#question.judge(outcome, { what: this.#question.what, address });
      if (verdict.kind === "final") throw verdict.error;
      if (verdict.kind === "passed") this.#passOver(address, verdict.error);
      else if (verdict.kind === "no-leader") this.#rideOut(address);
      else if (verdict.kind === "failed") await this.#fail(verdict, address);
      else if (!this.#follow(verdict, address)) return undefined;
    }
  }

  async #visit(address: EndpointAddress): Promise<Visited<T>> {
    this.#signal.throwIfAborted();
    const remainingMs = this.#remainingMs();
    if (remainingMs <= 0) throw this.#error();
    this.#countRetry();
    const timeoutMs = Math.min(this.#cluster.settings.retry.attemptTimeoutMs, remainingMs);
    return await this.#visitor.visit(address, { signal: this.#signal, timeoutMs });
  }

  /** Goes where a hint points. Returns false if that ends the pass. */
  #follow(hint: LeaderVerdict, from: EndpointAddress): boolean {
    const { address, epoch } = hint;
    const seated = this.#cluster.seatHint({ address, epoch });
    if (seated && this.#failedHere.has(address.name)) this.#cluster.leaders.demote(address);
    // The one it names may have been asked a moment ago: it has failed, or does not know yet that it leads.
    if (!seated || this.#worklist.hasVisited(address)) this.#rideOut(from);
    else return this.#redirect(address, from);
    return true;
  }

  #redirect(to: EndpointAddress, from: EndpointAddress): boolean {
    this.#retryReason = "not_leader";
    if (this.#redirects >= MAX_REDIRECTS) {
      this.#cluster.count("tsoracle.client.leader_redirect_total_cap.total");
      throw this.#noLeader(`${MAX_REDIRECTS} hints led to no leader`, from.name);
    }
    if (this.#passRedirects >= MAX_REDIRECTS_PER_PASS) {
      this.#cluster.count("tsoracle.client.leader_redirect_cap.total");
      this.#rideOut(from);
      return false;
    }
    this.#redirects += 1;
    this.#passRedirects += 1;
    this.#worklist.follow(to);
    return true;
  }

  #rideOut(from: EndpointAddress): void {
    this.#cluster.leaders.demote(from);
    this.#election = from.name;
    this.#retryReason = "not_leader";
    this.#again = true;
    this.#onFault?.(this.#noLeader("it says that no server leads yet", from.name));
  }

  #passOver(address: EndpointAddress, error: Error): void {
    this.#cluster.leaders.demote(address);
    this.#retryReason = "not_leader";
    this.#last = { error, passing: false };
    this.#onFault?.(error);
  }

  async #fail(verdict: FailedVerdict, address: EndpointAddress): Promise<void> {
    const { error, reason, passing } = verdict;
    this.#failedHere.add(address.name);
    this.#onFault?.(error);
    this.#retryReason = reason;
    // An attempt that was cut short by the end of the call explains less than the ones before it.
    if (this.#last === undefined || this.#remainingMs() > 0) this.#last = { error, passing };
    if (!passing || this.#election === undefined) this.#failures += 1;
    if (this.#failures >= this.#attempts) throw this.#error();
    if (!passing) return;
    this.#again = true;
    if (this.#worklist.size > 0) await this.#pause(this.#failures - 1);
  }

  /** Waits before the next attempt, at most until the call is over. */
  async #pause(attempt: number): Promise<void> {
    const { clock, random, retry: { baseBackoffMs: baseMs } } = this.#cluster.settings;
    const remainingMs = this.#remainingMs();
    const waitMs = backoffMs({
      attempt: Math.max(attempt, 0),
      baseMs,
      random: random(),
      remainingMs,
    });
    await clock.delay(waitMs, { signal: this.#signal });
  }

  #remainingMs(): number {
    return this.#endMs - this.#cluster.settings.clock.monotonicMs();
  }

  #countRetry(): void {
    if (this.#retryReason === undefined) return;
    this.#cluster.count(`tsoracle.client.retries.${this.#retryReason}.total`);
    this.#retryReason = undefined;
  }

  /** A refusal for good says more than an election, and that more than a connection that failed. */
  #error(): Error {
    const last = this.#last;
    if (last !== undefined && !last.passing) return last.error;
    if (this.#election !== undefined) {
      const why = "no server leads yet; wait for the election, or give the call a larger timeoutMs";
      return this.#noLeader(why, this.#election);
    }
    if (last !== undefined) return last.error;
    const text =
      `Cannot ${this.#question.what}: the time of the call is over; give it a larger timeoutMs`;
    return new TsoClientError("deadline-exceeded", text);
  }

  #noLeader(why: string, endpoint: string): TsoClientError {
    const text = `Cannot ${this.#question.what}: ${why} (last asked: ${endpoint})`;
    const cause = this.#last?.error;
    return new TsoClientError("no-leader", text, {
      endpoint,
      cause,
      status: "FAILED_PRECONDITION",
    });
  }
}
