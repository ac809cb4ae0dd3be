// SPDX-License-Identifier: Apache-2.0

import { UINT32_MAX } from "../core/integer_limits.ts";
import { LONGEST_TIMER_MS } from "../core/timer_limit.ts";

/** Limits of a call, for all protocols. */
export interface CallLimits {
  /**
   * Largest request in bytes, after decompression. The largest of the service is a batch of 128 sequences
   * with keys of 128 bytes: 18 KB, in JSON 20 KB, and 100 KB if JSON has to escape every byte of the keys.
   * Raise it with the batch limit. Responses have no limit: by then the ordinals in them are taken.
   *
   * @default {65536}
   */
  readonly maxMessageBytes?: number;
  /**
   * Longest deadline in milliseconds that a caller may ask for; a longer one is refused with
   * INVALID_ARGUMENT. The default is a day: no call lasts as long, and a timer of more than 2^31 - 1 ms,
   * which is 24.8 days, would fire at once.
   *
   * @default {86400000}
   */
  readonly maxTimeoutMs?: number;
}

/** Largest request by default: 64 KiB. */
export const DEFAULT_MAX_MESSAGE_BYTES = 65_536;

const DAY_MS = 86_400_000;

/** The options of Connect that the service sets for itself, whoever mounts it. */
export interface ServiceOptions {
  /** JSON shows fields that are zero: a person with curl must see them. */
  readonly jsonOptions: { readonly alwaysEmitImplicit: true };
  /** Largest request message in bytes. */
  readonly readMaxBytes: number;
  /**
   * Largest response message in bytes: no limit but that of the frame. A refusal would come after the work was
   * done, and read as if nothing had been spent.
   */
  readonly writeMaxBytes: number;
  /** Longest deadline in milliseconds. */
  readonly maxTimeoutMs: number;
}

/**
 * The options of Connect for given limits.
 *
 * @throws {RangeError} if a limit is out of its range
 */
export function serviceOptions(limits: CallLimits = {}): ServiceOptions {
  const { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES, maxTimeoutMs = DAY_MS } = limits;
  checkLimit("maxMessageBytes", maxMessageBytes, UINT32_MAX);
  checkLimit("maxTimeoutMs", maxTimeoutMs, LONGEST_TIMER_MS);
  return {
    jsonOptions: { alwaysEmitImplicit: true },
    readMaxBytes: maxMessageBytes,
    writeMaxBytes: UINT32_MAX,
    maxTimeoutMs,
  };
}

/**
 * Checks a limit of the service.
 *
 * @throws {RangeError} if it is not a whole number from 1 to `max`
 */
export function checkLimit(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  throw new RangeError(
    `Cannot mount the service as '${name}' must be a whole number from 1 to ${max}: current value is ${value}`,
  );
}
