// SPDX-License-Identifier: Apache-2.0

import { epochFromHalves } from "../../core/epoch.ts";
import type { Epoch, EpochHalves } from "../../core/epoch.ts";
import { isPhysicalMs, LOGICAL_MAX } from "../../core/timestamp.ts";
import { SEQUENCE_COUNTER_MAX } from "../../core/sequence.ts";
import type { SequenceRequest } from "../../core/sequence.ts";
import type {
  GetSeqBatchResponse,
  GetSeqResponse,
  GetTsResponse,
  SeqGrantEntry,
} from "../../gen/tsoracle/v1/tso_pb.ts";
import type {
  BatchGrant,
  LeaseGrant,
  SafePoint,
  SequenceBatchGrant,
  SequenceBlock,
  SequenceGrant,
} from "../grants.ts";

/** An answer breaks the protocol (behaviour.md 6.3). The message says how, for the end of a sentence. */
export class BadAnswerError extends Error {
  /** Makes the error. */
  constructor(message: string) {
    super(message);
    this.name = "BadAnswerError";
  }
}

/**
 * Reads an answer of GetTs.
 *
 * @param count how many were asked for, 1 to 262144
 * @throws {BadAnswerError} if it is not one block of `count` timestamps
 */
export function readTimestamps(answer: GetTsResponse, count: number): BatchGrant {
  const { logicalStart } = answer;
  const physicalMs = readMs(answer.physicalMs, "physical time");
  if (answer.count !== count) {
    throw new BadAnswerError(`${answer.count} timestamps where ${count} were asked for`);
  }
  if (logicalStart + count - 1 > LOGICAL_MAX) {
    throw new BadAnswerError(`${count} timestamps from ${logicalStart}, beyond ${LOGICAL_MAX}`);
  }
  return { physicalMs, logicalStart, count, epoch: readHalves(answer) };
}

/**
 * Reads an answer of GetSeq.
 *
 * @throws {BadAnswerError} if it is not the block that was asked for, or has no epoch
 */
export function readSequence(answer: GetSeqResponse, request: SequenceRequest): SequenceGrant {
  const { key, start, count } = readBlock(answer, request);
  return { key, start, count, epoch: readEpoch(answer.epoch) };
}

/**
 * Reads an answer of GetSeqBatch.
 *
 * @throws {BadAnswerError} if it is not the blocks that were asked for in their order, or has no epoch
 */
export function readSequences(
  answer: GetSeqBatchResponse,
  requests: readonly SequenceRequest[],
): SequenceBatchGrant {
  const { grants } = answer;
  if (grants.length !== requests.length) {
    throw new BadAnswerError(`${grants.length} blocks where ${requests.length} were asked for`);
  }
  const blocks = requests.map((request, index) => readBlock(grants[index], request));
  return { blocks, epoch: readEpoch(answer.epoch) };
}

/** The terms of a lease as they travel. */
export interface LeaseTerms {
  /** The highest physical millisecond. */
  readonly tsUpperBound: bigint;
  /** Its end. */
  readonly expiresAtMs: bigint;
  /** The epoch. */
  readonly epoch?: EpochHalves | undefined;
}

/**
 * Reads the lease in an answer.
 *
 * @throws {BadAnswerError} if a time is beyond 46 bits, or there is no epoch
 */
export function readLease(leaseId: bigint, terms: LeaseTerms): LeaseGrant {
  return {
    leaseId: readMs(leaseId, "lease id"),
    boundMs: readMs(terms.tsUpperBound, "bound"),
    expiresAtMs: readMs(terms.expiresAtMs, "expiry"),
    epoch: readEpoch(terms.epoch),
  };
}

/**
 * Reads a safe point.
 *
 * @throws {BadAnswerError} if it is beyond 46 bits
 */
export function readSafePoint(
  physicalMs: bigint,
  halves: { readonly epochHi: bigint; readonly epochLo: bigint },
): SafePoint {
  return { physicalMs: readMs(physicalMs, "safe point"), epoch: readHalves(halves) };
}

function readBlock(
  entry: SeqGrantEntry | GetSeqResponse | undefined,
  request: SequenceRequest,
): SequenceBlock {
  const { key, count } = request;
  if (entry?.key !== key) {
    throw new BadAnswerError(`a block of ${JSON.stringify(entry?.key)} for ${JSON.stringify(key)}`);
  }
  const { start } = entry;
  if (entry.count !== count) {
    throw new BadAnswerError(`${entry.count} ordinals where ${count} were asked for`);
  }
  if (start + BigInt(count) > SEQUENCE_COUNTER_MAX) {
    throw new BadAnswerError(`${count} ordinals from ${start}, beyond 2^64 - 1`);
  }
  return { key, start, count };
}

function readMs(value: bigint, what: string): number {
  const ms = Number(value);
  if (isPhysicalMs(ms)) return ms;
  throw new BadAnswerError(`a ${what} of ${value}, beyond 46 bits`);
}

function readEpoch(halves: EpochHalves | undefined): Epoch {
  if (halves === undefined) throw new BadAnswerError("no epoch");
  return epochFromHalves(halves);
}

function readHalves(answer: { readonly epochHi: bigint; readonly epochLo: bigint }): Epoch {
  return epochFromHalves({ hi: answer.epochHi, lo: answer.epochLo });
}
