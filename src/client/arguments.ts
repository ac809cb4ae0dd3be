// SPDX-License-Identifier: Apache-2.0

import { UINT32_MAX, UINT64_MAX } from "../core/integer_limits.ts";
import { MAX_LEASE_HOLDER_BYTES } from "../core/lease_table.ts";
import { isSequenceKey, MAX_SEQUENCE_KEY_BYTES } from "../core/sequence.ts";
import type { SequenceRequest } from "../core/sequence.ts";
import { LONGEST_TIMER_MS } from "../core/timer_limit.ts";
import { TsoClientError } from "./errors.ts";
import type { LeaseRequest } from "./grants.ts";

/** What a holder asks a lease with. */
export interface LeaseClaim {
  /** Who holds it: 1 to 128 bytes, compared byte by byte; a text counts as its UTF-8. */
  readonly holder: string | Uint8Array;
  /** The holder's own generation, an unsigned 64-bit number: of two claims the higher one wins. */
  readonly holderEpoch: bigint;
  /** How long the lease lasts without a renewal, in milliseconds; 5,000 to 300,000 unless the server says otherwise. */
  readonly ttlMs: number;
}

/**
 * Checks what a sequence is asked for. Limits of the server are its own affair.
 *
 * @returns the same request
 * @throws {TsoClientError} `invalid-argument` naming the rule and the value
 */
export function checkSequence({ key, count }: SequenceRequest): SequenceRequest {
  if (typeof key !== "string" || !isSequenceKey(key)) {
    refuse(
      `use ${textOf(key)} as a key`,
      `it must have 1 to ${MAX_SEQUENCE_KEY_BYTES} bytes of UTF-8`,
    );
  }
  if (!isWhole(count, UINT32_MAX)) {
    refuse(`ask for ${count} ordinals`, `the count must be a whole number from 1 to ${UINT32_MAX}`);
  }
  return { key, count };
}

/**
 * Checks what several sequences are asked for in one step.
 *
 * @returns a copy
 * @throws {TsoClientError} `invalid-argument` naming the rule and the value
 */
export function checkSequences(requests: Iterable<SequenceRequest>): readonly SequenceRequest[] {
  const checked = Array.from(requests, checkSequence);
  if (checked.length === 0) refuse("ask for no sequence", "name at least one");
  const keys = new Set<string>();
  for (const { key } of checked) {
    if (keys.has(key)) refuse(`ask for ${textOf(key)} twice`, "the keys of one batch must differ");
    keys.add(key);
  }
  return checked;
}

/**
 * Checks what a lease is asked with.
 *
 * @returns the request as it travels
 * @throws {TsoClientError} `invalid-argument` naming the rule and the value
 */
export function checkClaim(claim: LeaseClaim): LeaseRequest {
  const { holderEpoch, ttlMs } = claim;
  const holder = typeof claim.holder === "string"
    ? new TextEncoder().encode(claim.holder)
    : claim.holder.slice();
  if (holder.length < 1 || holder.length > MAX_LEASE_HOLDER_BYTES) {
    refuse(
      `name a holder with ${holder.length} bytes`,
      `it must have 1 to ${MAX_LEASE_HOLDER_BYTES} bytes`,
    );
  }
  if (typeof holderEpoch !== "bigint" || holderEpoch < 0n || holderEpoch > UINT64_MAX) {
    refuse(`use ${holderEpoch} as 'holderEpoch'`, `it must be a bigint from 0 to ${UINT64_MAX}`);
  }
  if (!isWhole(ttlMs, LONGEST_TIMER_MS)) {
    refuse(`use ${ttlMs} as 'ttlMs'`, `it must be a whole number from 1 to ${LONGEST_TIMER_MS}`);
  }
  return { holder, holderEpoch, ttlMs };
}

/**
 * Checks the name of a lease.
 *
 * @returns the same value
 * @throws {TsoClientError} `invalid-argument` naming the rule and the value
 */
export function checkLeaseId(leaseId: number): number {
  if (isWhole(leaseId, Number.MAX_SAFE_INTEGER)) return leaseId;
  return refuse(`use ${leaseId} as a lease`, "it must be the 'leaseId' of an acquired one");
}

function isWhole(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= max;
}

function refuse(what: string, rule: string): never {
  throw new TsoClientError("invalid-argument", `Cannot ${what}: ${rule}`);
}

function textOf(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
