// SPDX-License-Identifier: Apache-2.0

import { FencedError, NotLeaderError } from "../../../../src/consensus/errors.ts";
import type { Epoch } from "../../../../src/core/epoch.ts";
import type { LeaseRecord } from "../../../../src/core/lease_table.ts";
import { FIRST_INCARNATION } from "../../../../src/drivers/cluster/store.ts";
import type {
  Claim,
  LeaseWrite,
  RestoredStore,
  SequenceWrite,
  Standing,
  StoredLeases,
  StoredSequences,
  SwapOutcome,
  Term,
} from "../../../../src/drivers/cluster/store.ts";

interface EngineState {
  readonly incarnation: bigint;
  readonly revision: bigint;
  readonly term: Term | undefined;
  readonly beat: string;
  readonly resigned: boolean;
  readonly highWaterMs: number;
  readonly sequences: StoredSequences;
  readonly leases: StoredLeases;
}

const EMPTY: EngineState = {
  incarnation: FIRST_INCARNATION,
  revision: 1n,
  term: undefined,
  beat: "0",
  resigned: false,
  highWaterMs: 0,
  sequences: { version: "0", operationId: undefined, counters: new Map() },
  leases: { version: "0", leases: [] },
};

/** What an engine keeps, with nothing between it and its caller: each method is one step, made at once. */
export class SimulatedEngine {
  /** Called after each change of the leadership. */
  readonly listeners: Set<(standing: Standing) => void> = new Set();
  #state: EngineState = EMPTY;

  /** The leadership. */
  get standing(): Standing {
    const { incarnation, term, beat, resigned } = this.#state;
    return { incarnation, term, beat, resigned };
  }

  /** The high-water. */
  get highWaterMs(): number {
    return this.#state.highWaterMs;
  }

  /** The sequences. */
  get sequences(): StoredSequences {
    return this.#state.sequences;
  }

  /** The leases. */
  get leases(): StoredLeases {
    return this.#state.leases;
  }

  /** Everything, to be put back by {@linkcode rollBack}. */
  backUp(): EngineState {
    return this.#state;
  }

  /** Loses everything since a backup, as an engine does that was restored or lost an asynchronous primary. */
  rollBack(state: EngineState): void {
    this.#state = state;
    this.#tell();
  }

  /** Fills the sequences. */
  fill(counters: ReadonlyMap<string, bigint>): void {
    const version = this.#next();
    this.#change({ sequences: { version, operationId: undefined, counters } });
  }

  takeOver(seen: Standing, claim: Claim): Standing | undefined {
    const { incarnation, term, beat, resigned } = this.#state;
    if (seen.incarnation !== incarnation || seen.term?.epoch !== term?.epoch) return undefined;
    if (seen.beat !== beat && !resigned) return undefined;
    const next = this.#next();
    const epoch = (incarnation << 64n) | BigInt(next);
    const begun = { epoch, claimId: claim.id, endpoint: claim.endpoint };
    this.#change({ term: begun, beat: next, resigned: false });
    this.#tell();
    return this.standing;
  }

  beat(epoch: Epoch): void {
    this.#fence(epoch);
    this.#change({ beat: this.#next() });
    this.#tell();
  }

  resign(epoch: Epoch): void {
    if (this.#state.term?.epoch !== epoch) return;
    this.#change({ resigned: true });
    this.#tell();
  }

  persistHighWater(atLeastMs: number, epoch: Epoch): number {
    this.#fence(epoch);
    this.#change({ highWaterMs: Math.max(this.#state.highWaterMs, atLeastMs) });
    return this.#state.highWaterMs;
  }

  writeSequences(write: SequenceWrite, epoch: Epoch): SwapOutcome {
    this.#fence(epoch);
    if (write.version !== this.#state.sequences.version) return { kind: "conflict" };
    const version = this.#next();
    const { operationId } = write;
    const counters = new Map([...this.#state.sequences.counters, ...write.moved]);
    this.#change({ sequences: { version, operationId, counters } });
    return { kind: "written", version };
  }

  writeLeases(write: LeaseWrite, epoch: Epoch): SwapOutcome {
    this.#fence(epoch);
    if (write.version !== this.#state.leases.version) return { kind: "conflict" };
    const version = this.#next();
    const leases: readonly LeaseRecord[] = [...write.leases];
    this.#change({ leases: { version, leases } });
    return { kind: "written", version };
  }

  restore(atLeastMs: number): RestoredStore {
    const next = this.#state.incarnation + 1n;
    const incarnation = next > BigInt(atLeastMs) ? next : BigInt(atLeastMs);
    const highWaterMs = Math.max(this.#state.highWaterMs, atLeastMs);
    this.#change({ incarnation, highWaterMs, term: undefined, resigned: false });
    this.#tell();
    return { incarnation, highWaterMs };
  }

  #fence(epoch: Epoch): void {
    const { term } = this.#state;
    if (term === undefined) throw new NotLeaderError("nobody leads");
    if (term.epoch !== epoch) throw new FencedError(epoch, term.epoch);
  }

  #next(): string {
    const revision = this.#state.revision + 1n;
    this.#change({ revision });
    return String(revision);
  }

  #change(change: Partial<EngineState>): void {
    this.#state = { ...this.#state, ...change };
  }

  #tell(): void {
    for (const listener of [...this.listeners]) listener(this.standing);
  }
}
