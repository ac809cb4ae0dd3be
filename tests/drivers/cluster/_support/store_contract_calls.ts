// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { consensusCodeOf } from "../../../../src/consensus/errors.ts";
import type { Epoch } from "../../../../src/core/epoch.ts";
import type { LeaseRecord } from "../../../../src/core/lease_table.ts";
import type {
  Claim,
  ClusterStore,
  SequenceWrite,
  Standing,
  StoreCallOptions,
  Term,
} from "../../../../src/drivers/cluster/store.ts";

/** Generous: a timing is never what is tried. */
export const CALL: StoreCallOptions = { timeoutMs: 30_000 };

/** A claim of a node at its own address. */
export function claimOf(node: number): Claim {
  return { id: crypto.randomUUID(), endpoint: { host: `node-${node}.example`, port: 50_551 } };
}

/** Begins a term, whoever leads. */
export async function lead(store: ClusterStore, node = 1): Promise<Term> {
  return termOf(await takeOver(store, await store.readStanding(CALL), node));
}

/** Takes over, and insists that it succeeds. */
export async function takeOver(store: ClusterStore, seen: Standing, node = 1): Promise<Standing> {
  const standing = await store.takeOver(seen, claimOf(node), CALL);
  assert(standing !== undefined, "the take-over was refused");
  return standing;
}

/** The term of a standing that has one. */
export function termOf({ term }: Standing): Term {
  assert(term !== undefined, "there is no term");
  return term;
}

/** Insists that a write is refused for its epoch. */
export async function assertFenced(write: Promise<unknown>): Promise<void> {
  const error = await write.then(() => undefined, (error: unknown) => error);
  const code = consensusCodeOf(error);
  assert(code === "fenced" || code === "not-leader", `not fenced: ${error ?? "it succeeded"}`);
}

/** Every write under an epoch, each of which the fence must hold up, against the state as it is. */
export async function writesUnder(
  store: ClusterStore,
  epoch: Epoch,
): Promise<Readonly<Record<string, () => Promise<unknown>>>> {
  const sequences = await store.readSequences(CALL);
  const { version } = await store.readLeases(CALL);
  const highWaterMs = await store.loadHighWater(CALL);
  const write = writeOf(sequences.version, [["forged", 7n]], sequences.counters);
  return {
    beat: () => store.beat(epoch, CALL),
    persistHighWater: () => store.persistHighWater(highWaterMs + 1, epoch, CALL),
    "persistHighWater of a lower value": () => store.persistHighWater(0, epoch, CALL),
    writeSequences: () => store.writeSequences(write, epoch, CALL),
    writeLeases: () => store.writeLeases({ version, leases: [leaseOf(1)] }, epoch, CALL),
  };
}

/** Everything that a store holds. */
export async function contentOf(store: ClusterStore): Promise<unknown> {
  return {
    standing: await store.readStanding(CALL),
    highWaterMs: await store.loadHighWater(CALL),
    sequences: await store.readSequences(CALL),
    leases: await store.readLeases(CALL),
  };
}

/** A write that moves some counters. */
export function writeOf(
  version: string,
  moved: Iterable<readonly [string, bigint]>,
  before: ReadonlyMap<string, bigint> = new Map(),
): SequenceWrite {
  const movedMap = new Map(moved);
  const counters = new Map([...before, ...movedMap]);
  return { version, operationId: crypto.randomUUID(), moved: movedMap, counters };
}

/** A lease with numbers at the ends of their ranges. */
export function leaseOf(leaseId: number): LeaseRecord {
  return {
    leaseId,
    holder: new Uint8Array([0, 255, 128, 10, 39, leaseId % 256]),
    holderEpoch: 2n ** 64n - 1n - BigInt(leaseId),
    ttlMs: 30_000,
    boundMs: 2 ** 46 - 1,
    expiresAtMs: 2 ** 46 - 1,
    superseded: leaseId % 2 === 1,
  };
}
