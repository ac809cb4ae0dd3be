// SPDX-License-Identifier: Apache-2.0

import type { Epoch } from "../../core/epoch.ts";
import type { BatchGrant } from "../grants.ts";

/** The highest that had been received at one moment. It never changes. */
export interface ReceivedMark {
  /** Physical part of the highest timestamp, in milliseconds; -1 if there was none. */
  readonly physicalMs: number;
  /** Logical part of the highest timestamp. */
  readonly logical: number;
  /** The highest epoch; -1 if there was none. */
  readonly epoch: Epoch;
}

const NOTHING: ReceivedMark = { physicalMs: -1, logical: -1, epoch: -1n };

/**
 * The highest timestamp and the highest epoch that a client has received. A request takes the mark when it
 * is sent, and its answer is compared with that: order is promised between calls that do not overlap, and
 * answers of calls that do may come in any order, also over a change of leader.
 */
export class Received {
  #mark = NOTHING;

  /** The mark of this moment. */
  get mark(): ReceivedMark {
    return this.#mark;
  }

  /** Takes note of timestamps that are handed out. */
  noteTimestamps(grant: BatchGrant): void {
    const logical = grant.logicalStart + grant.count - 1;
    const { physicalMs, epoch } = grant;
    const mark = this.#mark;
    const newer = isBelow(mark, { physicalMs, logical });
    if (newer) this.#mark = { physicalMs, logical, epoch: mark.epoch };
    this.noteEpoch(epoch);
  }

  /** Takes note of the epoch of an answer. */
  noteEpoch(epoch: Epoch): void {
    if (epoch > this.#mark.epoch) this.#mark = { ...this.#mark, epoch };
  }
}

/**
 * Says in which way an epoch lies behind a mark.
 *
 * @returns undefined if it does not
 */
export function epochBehind(epoch: Epoch, mark: ReceivedMark): string | undefined {
  if (epoch >= mark.epoch) return undefined;
  return `epoch ${epoch} after epoch ${mark.epoch} had been received`;
}

/**
 * Says in which way timestamps, or their epoch, lie behind a mark.
 *
 * @returns undefined if they do not
 */
export function timestampsBehind(grant: BatchGrant, mark: ReceivedMark): string | undefined {
  const { physicalMs, logicalStart: logical, epoch } = grant;
  if (isBelow(mark, { physicalMs, logical })) return epochBehind(epoch, mark);
  const highest = `(${mark.physicalMs}, ${mark.logical})`;
  return `timestamp (${physicalMs}, ${logical}) after ${highest} had been received`;
}

function isBelow(
  mark: ReceivedMark,
  first: { readonly physicalMs: number; readonly logical: number },
): boolean {
  if (first.physicalMs !== mark.physicalMs) return first.physicalMs > mark.physicalMs;
  return first.logical > mark.logical;
}
