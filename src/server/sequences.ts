// SPDX-License-Identifier: Apache-2.0

import { abortable } from "../core/abortable.ts";
import type { ConsensusDriver } from "../consensus/driver.ts";
import { consensusCodeOf } from "../consensus/errors.ts";
import type { Epoch } from "../core/epoch.ts";
import { objectToSequence, SEQUENCE_COUNTER_MAX } from "../core/sequence.ts";
import type {
  SequenceBatchGrant,
  SequenceBlock,
  SequenceGrant,
  SequenceRequest,
} from "../core/sequence.ts";
import type { CallOptions } from "./call_options.ts";
import { OracleError, unsupported } from "./errors.ts";
import type { Meter } from "./meter.ts";
import type { CounterName } from "./metrics.ts";
import type { OracleSettings } from "./options.ts";
import { classifyPersistFault, faultText } from "./persist_fault.ts";
import type { ServingCore } from "./serving_core.ts";

/** What {@linkcode Sequences} works with. */
export interface SequencesOptions {
  /** Checked settings of the oracle. */
  readonly settings: OracleSettings;
  /** Leadership and certainty. */
  readonly core: ServingCore;
  /** Counters and histograms. */
  readonly meter: Meter;
  /** Fires when driver calls are to be abandoned: the shutdown grace is over. */
  readonly abandon: AbortSignal;
}

interface SequenceCall extends CallOptions {
  readonly success: CounterName;
  readonly issued: CounterName;
  readonly limited: CounterName;
  readonly unknown: CounterName;
}

type Advance = (epoch: Epoch) => Promise<readonly bigint[]>;

const SINGLE = {
  requests: "tsoracle.get_seq.requests.total",
  success: "tsoracle.get_seq.success.total",
  issued: "tsoracle.get_seq.values_issued",
  limited: "tsoracle.get_seq.cardinality_rejected.total",
  unknown: "tsoracle.get_seq.outcome_unknown.total",
} as const satisfies Record<string, CounterName>;

const BATCH = {
  requests: "tsoracle.get_seq.batch.requests.total",
  success: "tsoracle.get_seq.batch.success.total",
  issued: "tsoracle.get_seq.batch.values_issued",
  limited: "tsoracle.get_seq.batch.cardinality_rejected.total",
  unknown: "tsoracle.get_seq.batch.outcome_unknown.total",
} as const satisfies Record<string, CounterName>;

/**
 * Gapless counters on the strength of the driver. Nothing of them is kept here: the driver takes each block
 * durably, exactly once, and under the epoch.
 */
export class Sequences {
  readonly #settings: OracleSettings;
  readonly #driver: ConsensusDriver;
  readonly #core: ServingCore;
  readonly #meter: Meter;
  readonly #abandon: AbortSignal;
  readonly #underWay = new Set<Promise<unknown>>();

  /** Made by the oracle. */
  constructor(options: SequencesOptions) {
    this.#settings = options.settings;
    this.#driver = options.settings.driver;
    this.#core = options.core;
    this.#meter = options.meter;
    this.#abandon = options.abandon;
  }

  /**
   * Takes the next `count` ordinals of a sequence. They are durable once this returns.
   *
   * @param request a key of 1 to 128 bytes of UTF-8; a count of 1 to `maxSequenceCount`
   * @throws {OracleError} see the codes; after `outcome-unknown` the block may be spent; the signal's reason
   *   means that nothing was taken
   */
  async take(request: SequenceRequest, options: CallOptions = {}): Promise<SequenceGrant> {
    this.#meter.count(SINGLE.requests);
    if (!this.#core.isServing) throw this.#core.notLeader();
    const asked = copyOf(request);
    this.#check(asked);
    const advance = async (epoch: Epoch) => {
      if (this.#driver.advanceDense === undefined) throw unsupported("sequences");
      return [await this.#driver.advanceDense(asked, epoch, options)];
    };
    const { blocks, epoch } = await this.#advance([asked], { ...SINGLE, ...options }, advance);
    const [block] = blocks;
    if (block === undefined) throw outcomeUnknown("the driver broke its contract", undefined);
    return { ...block, epoch };
  }

  /**
   * {@linkcode Sequences.take} for several distinct keys in one step: all counters move, or none does.
   *
   * @param requests 1 to `maxSequenceBatchKeys` requests with distinct keys
   * @throws {OracleError} as `take`, and `invalid-batch`
   */
  async takeBatch(
    requests: readonly SequenceRequest[],
    options: CallOptions = {},
  ): Promise<SequenceBatchGrant> {
    this.#meter.count(BATCH.requests);
    if (!this.#core.isServing) throw this.#core.notLeader();
    const asked = requests.map(copyOf);
    this.#checkBatch(asked);
    this.#meter.observe("tsoracle.get_seq.batch.keys", asked.length);
    return await this.#advance(asked, { ...BATCH, ...options }, async (epoch) => {
      if (this.#driver.advanceDenseBatch === undefined) throw unsupported("sequence batches");
      return await this.#driver.advanceDenseBatch(asked, epoch, options);
    });
  }

  /** Waits until the driver has answered all calls under way. It never rejects. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  async #advance(
    requests: readonly SequenceRequest[],
    call: SequenceCall,
    advance: Advance,
  ): Promise<SequenceBatchGrant> {
    const { epoch } = this.#core.allocator;
    if (epoch === undefined) throw this.#core.notLeader();
    try {
      const blocks = blocksOf(requests, await this.#answerOf(advance(epoch), epoch, call));
      this.#meter.count(call.success);
      for (const { count } of blocks) this.#meter.count(call.issued, count);
      return { blocks, epoch };
    } catch (error) {
      const isUnknown = error instanceof OracleError && error.code === "outcome-unknown";
      if (isUnknown) this.#meter.count(call.unknown);
      throw error;
    }
  }

  /** A leadership that ends meanwhile does not undo what the engine has taken: its answer decides. */
  async #answerOf(
    answer: Promise<readonly bigint[]>,
    epoch: Epoch,
    call: SequenceCall,
  ): Promise<readonly bigint[]> {
    this.#underWay.add(answer);
    try {
      return await abortable(answer, this.#abandon);
    } catch (error) {
      if (call.signal?.aborted === true && error === call.signal.reason) throw error;
      if (consensusCodeOf(error) === "sequence-key-limit") this.#meter.count(call.limited);
      throw this.#refusal(error, epoch);
    } finally {
      this.#underWay.delete(answer);
    }
  }

  #refusal(error: unknown, epoch: Epoch): unknown {
    if (error instanceof OracleError) return error;
    const message = faultText(error);
    switch (consensusCodeOf(error)) {
      case "sequence-key-limit":
        return new OracleError("key-limit", message, { cause: error });
      case "sequence-overflow":
        return new OracleError("sequence-overflow", message, { cause: error });
      case "unavailable":
        return new OracleError("unavailable", `nothing was taken: ${message}`, { cause: error });
    }
    const fault = classifyPersistFault(error);
    if (fault.kind !== "stepped-down") return outcomeUnknown(message, error);
    this.#core.depose(epoch, fault.fencedBy);
    return this.#core.notLeader();
  }

  #check(request: SequenceRequest): void {
    const max = this.#settings.maxSequenceCount;
    switch (objectToSequence(request, max)) {
      case "count":
        throw new OracleError(
          "invalid-count",
          `count must be between 1 and the maximum: it is ${request.count}, the maximum is ${max}`,
        );
      case "key":
        throw new OracleError(
          "invalid-key",
          "invalid sequence key: it must be 1 to 128 bytes of UTF-8",
        );
    }
  }

  #checkBatch(requests: readonly SequenceRequest[]): void {
    const max = this.#settings.maxSequenceBatchKeys;
    if (requests.length < 1 || requests.length > max) {
      throw new OracleError(
        "invalid-batch",
        `a batch must have between 1 and the maximum of entries: it has ${requests.length}, the maximum is ${max}`,
      );
    }
    const seen = new Set<string>();
    for (const request of requests) {
      this.#check(request);
      if (seen.has(request.key)) {
        throw new OracleError(
          "invalid-batch",
          `the keys of a batch must be distinct: ${JSON.stringify(request.key)} occurs twice`,
        );
      }
      seen.add(request.key);
    }
  }
}

/** The caller may use its object again while the call waits: what was checked is what is taken and answered. */
function copyOf({ key, count }: SequenceRequest): SequenceRequest {
  return { key, count };
}

function outcomeUnknown(message: string, cause: unknown): OracleError {
  return new OracleError(
    "outcome-unknown",
    `it is not known whether the block was taken: ${message}; asking again would take another one`,
    { cause },
  );
}

/** The pair of the driver's own check: one whole block for each request. */
function blocksOf(
  requests: readonly SequenceRequest[],
  starts: readonly bigint[] | undefined,
): readonly SequenceBlock[] {
  if (starts?.length !== requests.length) {
    throw outcomeUnknown(`the driver broke its contract: it returned ${starts}`, undefined);
  }
  return requests.map(({ key, count }, index) => {
    const start = starts[index];
    if (typeof start === "bigint" && start >= 0n && start + BigInt(count) <= SEQUENCE_COUNTER_MAX) {
      return { key, start, count };
    }
    throw outcomeUnknown(`the driver broke its contract: it returned ${start}`, undefined);
  });
}
