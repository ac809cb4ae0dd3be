// SPDX-License-Identifier: Apache-2.0

import { FencedError, TransientError } from "../../consensus/errors.ts";
import { takeSequences } from "../../consensus/take_sequences.ts";
import type { Epoch } from "../../core/epoch.ts";
import type { SequenceRequest } from "../../core/sequence.ts";
import { SequenceCounters } from "../../core/sequence_counters.ts";
import { GroupWriter } from "../group_writer.ts";
import { Attempts, lateAnswer } from "./attempts.ts";
import type { AttemptsOptions } from "./attempts.ts";
import { isOvertaken } from "./passing_fault.ts";
import type { ClusterStore, SequenceWrite } from "./store.ts";

/** What a {@linkcode SequenceKeeper} works with. */
export interface SequenceKeeperOptions extends AttemptsOptions {
  /** The engine. */
  readonly store: ClusterStore;
  /** How many sequences there may be. */
  readonly maxSequenceKeys: number;
  /** Makes the store ready. */
  readonly prepare: () => Promise<void>;
  /** Fires when the driver is closed. */
  readonly ended: AbortSignal;
}

interface Call {
  readonly requests: readonly SequenceRequest[];
  readonly epoch: Epoch;
}

/** The term that a group of calls belongs to, and what was tried for them. */
interface Turn {
  readonly epoch: Epoch;
  readonly attempts: Attempts;
}

type Starts = readonly bigint[];
type Outcome = PromiseSettledResult<Starts>;

/** What the store held when this node asked or wrote last. */
interface KnownSequences {
  readonly version: string;
  /** Runs ahead of the store while a write is under way, and is thrown away if that fails. */
  readonly counters: Map<string, bigint>;
  readonly operationId: string | undefined;
}

/**
 * The sequences of a store. Calls that come together share one write, and one write is under way at a time.
 *
 * A write that was not answered is repeated as it was: same version, same operation. It can be made once at most, as it
 * changes the version that it asks for. What a later conflict says about it is worked out in `#submit`.
 */
export class SequenceKeeper {
  readonly #options: SequenceKeeperOptions;
  readonly #writer: GroupWriter<Call, Starts>;
  #known: KnownSequences | undefined;
  #knownUnder: Epoch | undefined;

  /** Begins without knowing any sequence. */
  constructor(options: SequenceKeeperOptions) {
    const { clock, callTimeoutMs, prepare, ended } = options;
    this.#options = options;
    this.#writer = new GroupWriter({
      prepare,
      write: (calls) => this.#write(calls),
      deadlineMs: callTimeoutMs,
      clock,
      late: () => lateAnswer(callTimeoutMs),
      ended,
    });
  }

  /**
   * Takes a block of each of several sequences, or of none.
   *
   * @param signal counts until the write begins
   * @returns the first ordinal of each, once they are durable
   */
  async take(
    requests: readonly SequenceRequest[],
    epoch: Epoch,
    signal: AbortSignal | undefined,
  ): Promise<Starts> {
    // The write comes later, and the caller may have changed its objects by then.
    const asked = requests.map(({ key, count }) => ({ key, count }));
    return await this.#writer.submit({ requests: asked, epoch }, signal);
  }

  /** Waits for the write that is under way. It never rejects. */
  async idle(): Promise<void> {
    await this.#writer.idle();
  }

  /** Calls of an earlier term than others in the group were overtaken. */
  async #write(calls: readonly Call[]): Promise<readonly Outcome[]> {
    const epoch = calls.reduce((max, call) => call.epoch > max ? call.epoch : max, 0n);
    const current = calls.filter((call) => call.epoch === epoch);
    const outcomes = await this.#takeTogether(current, epoch);
    const outcomeOf = new Map(current.map((call, index) => [call, outcomes[index]]));
    return calls.map((call) => outcomeOf.get(call) ?? refused(new FencedError(call.epoch, epoch)));
  }

  /** A call sees what those before it took. Refused ones are answered after the write like all others. */
  async #takeTogether(calls: readonly Call[], epoch: Epoch): Promise<readonly Outcome[]> {
    const attempts = new Attempts(this.#options);
    if (this.#knownUnder !== epoch) this.#known = undefined;
    try {
      for (;;) {
        const known = this.#known ?? await this.#read(epoch, attempts);
        const counters = new SequenceCounters(this.#options.maxSequenceKeys, known.counters);
        const outcomes = calls.map(({ requests }) => tryToTake(counters, requests));
        if (counters.moved.size === 0) {
          // If an earlier write was made after all, these refusals are not its outcome.
          if (attempts.areInDoubt) throw new TransientError("another write came between");
          return outcomes;
        }
        if (await this.#submit(known, counters, { epoch, attempts })) return outcomes;
      }
    } catch (error) {
      this.#known = undefined;
      throw attempts.faultOf(error, "the ordinals were taken");
    }
  }

  /**
   * Makes a write.
   *
   * If it was not answered and then conflicts, the operation in the store decides. Is it this one, the write was made.
   * If not, it was not made, provided that our epoch was still the latest at the time of that reading: under
   * the latest epoch nobody else writes, this node writes one at a time, and so an operation of ours
   * would still be the last. That proviso is not certain until a write under this epoch succeeds after the reading; until
   * then the attempts stay in doubt, and a refusal is reported as an unknown outcome.
   *
   * @returns whether it was made
   */
  async #submit(
    known: KnownSequences,
    { moved }: SequenceCounters,
    { epoch, attempts }: Turn,
  ): Promise<boolean> {
    const { version, counters } = known;
    // In place: to copy thousands for each write would take longer than the write. If it fails, all are read again.
    for (const [key, next] of moved) counters.set(key, next);
    const write = { version, operationId: crypto.randomUUID(), moved, counters };
    const { store } = this.#options;
    try {
      const outcome = await attempts.write((limits) => store.writeSequences(write, epoch, limits));
      if (outcome.kind === "written") {
        this.#known = { version: outcome.version, counters, operationId: write.operationId };
        attempts.settle();
        return true;
      }
    } catch (error) {
      // Overtaken, but perhaps only after the write was made.
      if (!isOvertaken(error) || !attempts.areInDoubt) throw error;
      if (await this.#wasMade(write, { epoch, attempts })) return true;
      throw error;
    }
    this.#known = undefined;
    return attempts.areInDoubt && await this.#wasMade(write, { epoch, attempts });
  }

  async #wasMade(write: SequenceWrite, { epoch, attempts }: Turn): Promise<boolean> {
    const known = await this.#read(epoch, attempts);
    if (known.operationId !== write.operationId) return false;
    attempts.settle();
    return true;
  }

  async #read(epoch: Epoch, attempts: Attempts): Promise<KnownSequences> {
    const { store } = this.#options;
    const stored = await attempts.read((limits) => store.readSequences(limits));
    this.#known = { ...stored, counters: new Map(stored.counters) };
    this.#knownUnder = epoch;
    return this.#known;
  }
}

function tryToTake(counters: SequenceCounters, requests: readonly SequenceRequest[]): Outcome {
  try {
    return { status: "fulfilled", value: takeSequences(counters, requests) };
  } catch (reason) {
    return refused(reason);
  }
}

function refused(reason: unknown): PromiseRejectedResult {
  return { status: "rejected", reason };
}
