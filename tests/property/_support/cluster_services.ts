// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { SequenceRequest } from "../../../src/core/sequence.ts";
import { OracleError } from "../../../src/server/errors.ts";
import type { LeaseGrant, LeaseRequest } from "../../../src/core/lease_table.ts";
import type { SequenceBlock } from "../../../src/core/sequence.ts";
import type { ClusterNode } from "./cluster_node.ts";
import type { Engine } from "./engine.ts";
import { LeaseLedger } from "./lease_ledger.ts";
import { SequenceLedger } from "./sequence_ledger.ts";

/** What a sequence call may meet in a cluster whose engine only ever has passing faults. */
const SEQUENCE_CODES = new Set(["not-leader", "key-limit", "outcome-unknown"]);

/** What a lease call may meet, and whether it then tells that nothing was done. */
const LEASE_CODES = new Map([
  ["not-leader", false],
  ["unavailable", false],
  ["stale-holder", true],
  ["lease-expired", true],
  ["lease-superseded", true],
  ["unknown-lease", true],
]);

/** What a holder asks for, besides its name. */
export type ClusterClaim = Pick<LeaseRequest, "holderEpoch" | "ttlMs">;

/** Options of {@linkcode ClusterServices}. */
export interface ClusterServicesOptions {
  readonly engine: Engine;
  /** Whether leaders never overlap. */
  readonly isStrict: boolean;
  /** Counts a call as waiting until it has settled, and keeps what its checks throw. */
  readonly follow: (settled: Promise<void>) => void;
  /** Told what the run has come across. */
  readonly onSeen: (what: string) => void;
}

/** The callers of sequences and the holders of leases. Every answer is checked as soon as it is given. */
export class ClusterServices {
  readonly leases: LeaseLedger;
  readonly #sequences = new SequenceLedger();
  readonly #options: ClusterServicesOptions;

  constructor(options: ClusterServicesOptions) {
    this.#options = options;
    this.leases = new LeaseLedger(options.isStrict);
  }

  /** Asks for blocks of sequences: for one as GetSeq does, for more as GetSeqBatch does. */
  take({ oracle }: ClusterNode, requests: readonly SequenceRequest[]): void {
    const { sequences } = oracle;
    const [first, ...more] = requests;
    assert(first !== undefined);
    const asked = more.length === 0
      ? sequences.take(first).then(({ epoch: _epoch, ...block }) => [block])
      : sequences.takeBatch(requests).then(({ blocks }) => blocks);
    this.#options.follow(asked.then(
      (blocks) => this.#taken(requests, blocks),
      (error: unknown) => this.#notTaken(requests, error),
    ));
  }

  /** Asks for a lease. */
  acquire({ oracle }: ClusterNode, name: string, terms: ClusterClaim): void {
    const claim = { holder: new TextEncoder().encode(name), ...terms };
    const asked = oracle.leases.acquire(claim);
    this.#options.follow(asked.then((grant) => {
      this.#checkDurable(grant);
      this.leases.noteGranted(claim, grant);
      this.#options.onSeen("a lease");
    }, (error: unknown) => void this.#refused("acquire", error)));
  }

  /** Asks for the renewal of a lease, whoever holds it. */
  renew(node: ClusterNode, leaseId: number): void {
    this.#about(node, leaseId, "renew", node.oracle.leases.renew(leaseId), (grant) => {
      this.#checkDurable(grant);
      this.leases.noteRenewed(grant);
    });
  }

  /** Asks for the end of a lease. */
  release(node: ClusterNode, leaseId: number): void {
    this.#about(node, leaseId, "release", node.oracle.leases.release(leaseId), () => {
      this.leases.noteReleased(leaseId);
    });
  }

  /** Takes in the clocks of the nodes that serve. */
  noteClocks(nodes: readonly ClusterNode[]): void {
    for (const { oracle, clock } of nodes) {
      if (oracle.state.kind === "serving") this.leases.noteClock(clock.nowMs());
    }
  }

  /** Checks leases and frontiers as they are between two steps. */
  moment(nodes: readonly ClusterNode[]): void {
    this.noteClocks(nodes);
    this.leases.checkStored(this.#options.engine.loadLeases());
    for (const node of nodes) this.#checkFrontier(node);
  }

  #checkFrontier({ oracle }: ClusterNode): void {
    const { engine } = this.#options;
    const { physicalMs } = oracle.leases.frontier();
    if (!oracle.isServing) return assert.equal(physicalMs, 0, "a frontier without a leader");
    assert(physicalMs <= engine.highWaterMs, "a frontier beyond the durable high-water");
    this.leases.checkFrontier(physicalMs);
  }

  /** Checks what can only be seen once nothing is under way. */
  checkEnd(): void {
    this.#sequences.check((key) => this.#options.engine.nextOrdinal(key));
  }

  #taken(requests: readonly SequenceRequest[], blocks: readonly SequenceBlock[]): void {
    this.#sequences.noteGranted(requests, blocks);
    this.#options.onSeen(requests.length === 1 ? "a block" : "a batch");
  }

  #notTaken(requests: readonly SequenceRequest[], error: unknown): void {
    if (!(error instanceof OracleError && SEQUENCE_CODES.has(error.code))) throw error;
    if (error.code === "outcome-unknown") this.#sequences.noteUnknown(requests);
    this.#options.onSeen(`take: ${error.code}`);
  }

  #about<T>(
    { oracle }: ClusterNode,
    leaseId: number,
    verb: string,
    asked: Promise<T>,
    succeed: (answer: T) => void,
  ): void {
    const reachesNothing = !oracle.isServing;
    this.leases.noteAsked(leaseId);
    this.#options.follow(asked.then((answer) => {
      this.leases.noteSettled(leaseId, true);
      succeed(answer);
      this.#options.onSeen(`${verb}: done`);
    }, (error: unknown) => {
      const isKnown = this.#refused(verb, error);
      this.leases.noteSettled(leaseId, isKnown || reachesNothing);
    }));
  }

  /** @returns whether the refusal tells that nothing was done */
  #refused(verb: string, error: unknown): boolean {
    const isKnown = error instanceof OracleError ? LEASE_CODES.get(error.code) : undefined;
    if (isKnown === undefined) throw error;
    this.#options.onSeen(`${verb}: ${(error as OracleError).code}`);
    return isKnown;
  }

  /** What was answered is in the store, unless a later leader has changed it. */
  #checkDurable({ leaseId, boundMs, epoch }: LeaseGrant): void {
    const { engine, isStrict } = this.#options;
    assert(boundMs <= engine.highWaterMs, "a bound that is not durable was answered");
    if (!isStrict || engine.epoch !== epoch) return;
    const stored = engine.loadLeases().find((lease) => lease.leaseId === leaseId);
    assert.equal(stored?.boundMs, boundMs, `lease ${leaseId} was answered before it was durable`);
  }
}
