// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { Grant } from "../../../../src/core/allocator.ts";
import { packTimestamp } from "../../../../src/core/timestamp.ts";
import { ClusterDriver } from "../../../../src/drivers/cluster/driver.ts";
import { OracleError } from "../../../../src/server/errors.ts";
import { Oracle } from "../../../../src/server/oracle.ts";
import { ManualClock, settle } from "../../../../src/testing/manual_clock.ts";
import { SimulatedEngine } from "./simulated_engine.ts";
import { SimulatedLink } from "./simulated_link.ts";
import { SimulatedStore } from "./simulated_store.ts";

/** How far the clocks are moved at once, in milliseconds. */
const STEP_MS = 25;

const START_MS = 1_700_000_000_000;

/** Options of {@linkcode OraclePair}. */
export interface OraclePairOptions {
  readonly leaseMs: number;
  readonly windowAheadMs: number;
  readonly failoverAdvanceMs: number;
  /** How far the wall clock of the second oracle is ahead. */
  readonly apartMs?: number;
}

interface Node {
  readonly clock: ManualClock;
  readonly link: SimulatedLink;
  readonly driver: ClusterDriver;
  readonly oracle: Oracle;
}

/** Two real oracles on real drivers and a simulated engine, through hours of manual clocks. */
export class OraclePair implements AsyncDisposable {
  readonly engine = new SimulatedEngine();
  /** The latest reading that any wall clock ever had. */
  latestMs = START_MS;
  /** Grants so far. */
  grants = 0;
  readonly #nodes: readonly Node[];
  #highest = -1n;
  #fault: unknown;

  constructor(options: OraclePairOptions) {
    const { apartMs = 0 } = options;
    this.#nodes = [0, apartMs].map((aheadMs, number) => this.#open(options, aheadMs, number));
  }

  /** The node that serves. */
  get leader(): Node | undefined {
    return this.#nodes.find(({ oracle }) => oracle.isServing);
  }

  /** Lets time pass; with `isLoaded` the leader is asked for timestamps all the while. */
  async pass(ms: number, isLoaded: boolean): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += STEP_MS) {
      for (const { clock } of this.#nodes) {
        await clock.advance(STEP_MS);
        this.latestMs = Math.max(this.latestMs, clock.nowMs());
      }
      if (isLoaded) this.#ask();
      if (this.#fault !== undefined) throw this.#fault;
    }
  }

  /** Moves the wall clock of one node alone. */
  jump(number: number, ms: number): void {
    const node = this.#nodes[number];
    assert(node !== undefined);
    node.clock.jumpTo(node.clock.nowMs() + ms);
    this.latestMs = Math.max(this.latestMs, node.clock.nowMs());
  }

  /** Cuts the leader off until the other serves. */
  async changeLeader(isLoaded: boolean): Promise<void> {
    const before = this.leader;
    before?.link.cut();
    for (let steps = 0; this.leader === undefined || this.leader === before; steps++) {
      assert(steps < 1_000, "nobody takes over");
      await this.pass(STEP_MS, isLoaded);
    }
    before?.link.mend();
    await settle(200);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ends = this.#nodes.map(async ({ oracle, driver }) => {
      await oracle.close();
      await driver.close();
    });
    let isOver = false;
    const all = Promise.all(ends).then(() => isOver = true);
    while (!isOver) await this.pass(STEP_MS, false);
    await all;
  }

  #open(options: OraclePairOptions, aheadMs: number, number: number): Node {
    const { leaseMs, windowAheadMs, failoverAdvanceMs } = options;
    const clock = new ManualClock({ nowMs: START_MS + aheadMs });
    const link = new SimulatedLink({ trueTime: clock });
    const store = new SimulatedStore({ engine: this.engine, clock, link });
    const endpoint = { host: `node-${number}.example`, port: 50_551 };
    const driver = new ClusterDriver({ store, endpoint, clock, leaseMs });
    const windows = { windowAheadMs, failoverAdvanceMs };
    const oracle = new Oracle({ driver, clock, heartbeatIntervalMs: 0, ...windows });
    return { clock, link, driver, oracle };
  }

  #ask(): void {
    const { leader } = this;
    if (leader === undefined) return;
    const asked = leader.oracle.getTs(1_000);
    if (!(asked instanceof Promise)) return this.#note(asked);
    void asked.then((grant) => this.#note(grant)).catch((error: unknown) => {
      if (!(error instanceof OracleError)) this.#fault ??= error;
    });
  }

  /** One at a time may grant, so that each grant is above all that were given before, by whomever. */
  #note({ physicalMs, logicalStart, count }: Grant): void {
    const first = packTimestamp(physicalMs, logicalStart);
    assert(first > this.#highest, `${first} was granted after ${this.#highest}`);
    this.#highest = first + BigInt(count) - 1n;
    this.grants++;
  }
}
