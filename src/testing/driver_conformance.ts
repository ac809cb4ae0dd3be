// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { ConsensusDriver } from "../consensus/driver.ts";
import type {
  ConformanceCase,
  ConformanceTrial,
  SequenceStoreContent,
} from "./conformance_case.ts";
import { CONFORMANCE_CASES } from "./driver_conformance_cases.ts";
import { LEASE_CONFORMANCE_CASES } from "./lease_conformance_cases.ts";
import { SEQUENCE_CONFORMANCE_CASES } from "./sequence_conformance_cases.ts";

/** What a driver may lack. */
export type DriverFeature = "sequences" | "leases";

interface Feature {
  readonly methods: readonly (keyof ConsensusDriver)[];
  readonly cases: readonly ConformanceCase[];
}

const FEATURES: Readonly<Record<DriverFeature, Feature>> = {
  sequences: {
    methods: ["loadDenseSeq", "advanceDense", "advanceDenseBatch"],
    cases: SEQUENCE_CONFORMANCE_CASES,
  },
  leases: { methods: ["loadLeases", "persistLeases"], cases: LEASE_CONFORMANCE_CASES },
};

/** How the suite gets at a driver and its store. */
export interface DriverHarness<D extends ConsensusDriver> {
  /** Opens a driver on a new, empty store. It leads, or comes to lead by itself. */
  readonly open: () => Promise<D>;
  /** Ends a driver and removes what belongs to it. */
  readonly close: (driver: D) => Promise<void>;
  /** Ends a driver and opens its store again, as after a restart. Absent: the store ends with its driver. */
  readonly reopen?: (driver: D) => Promise<D>;
  /**
   * Gives the store to a newer epoch, as the election of another node does, and resolves once it has it.
   * Absent: the store only ever has one epoch.
   */
  readonly supersede?: (driver: D) => Promise<void>;
  /**
   * Opens a driver on a new store that holds some sequences and may hold a number of them. Absent: the limits
   * of sequences are not tried.
   */
  readonly openWith?: (content: SequenceStoreContent) => Promise<D>;
  /**
   * What the driver has no methods for. That is then all that is tried of it.
   *
   * @default {[]}
   */
  readonly without?: readonly DriverFeature[];
}

/** Options of {@linkcode testDriverConformance}. */
export interface DriverConformanceOptions<D extends ConsensusDriver> extends DriverHarness<D> {
  /** Registers a test with the runner in use, such as `Deno.test` or `test` of node:test. */
  readonly test: (name: string, fn: () => Promise<void>) => void;
}

/**
 * Registers tests for every promise of {@linkcode ConsensusDriver} that can be tried from outside.
 *
 * What it cannot try is left to the driver's own tests: that a write survives a crash, that a call settles
 * within its deadline when the engine is silent, and that `certainUntil` ends before another node may lead.
 *
 * @param name of the driver; it begins the name of each test
 *
 * @example
 * ```ts
 * import { testDriverConformance } from "@tsoracle/tsoracle/testing";
 * import { MemoryDriver } from "@tsoracle/tsoracle/drivers/memory";
 *
 * const tests: Array<() => Promise<void>> = [];
 * testDriverConformance("MemoryDriver", {
 *   test: (_name, fn) => tests.push(fn), // in a test file: Deno.test(_name, fn)
 *   open: () => Promise.resolve(new MemoryDriver()),
 *   close: () => Promise.resolve(),
 * });
 * for (const test of tests) await test();
 * ```
 */
export function testDriverConformance<D extends ConsensusDriver>(
  name: string,
  options: DriverConformanceOptions<D>,
): void {
  const { without = [] } = options;
  const cases = [...CONFORMANCE_CASES];
  for (const [feature, { methods, cases: those }] of Object.entries(FEATURES)) {
    if (without.some((each) => each === feature)) cases.push(absence(feature, methods));
    else cases.push(presence(feature, methods), ...those);
  }
  for (const { title, needs, run } of cases) {
    if (needs !== undefined && options[needs] === undefined) continue;
    options.test(`${name} ${title}`, async () => {
      const subject = new Subject(options, await options.open());
      try {
        await run(subject);
      } finally {
        await subject.close();
      }
    });
  }
}

function presence(feature: string, methods: Feature["methods"]): ConformanceCase {
  return {
    title: `has ${methods.join(", ")}`,
    run: ({ driver }) => {
      const lacking = methods.filter((method) => driver[method] === undefined);
      const wayOut = `if it is to have no ${feature}, say so with the option 'without'`;
      assert.deepEqual(lacking, [], `the driver lacks ${lacking.join(", ")}; ${wayOut}`);
      return Promise.resolve();
    },
  };
}

function absence(feature: string, methods: Feature["methods"]): ConformanceCase {
  return {
    title: `has no ${feature} (NOT TRIED), and no part of them`,
    run: ({ driver }) => {
      assert.deepEqual(methods.filter((method) => driver[method] !== undefined), []);
      return Promise.resolve();
    },
  };
}

class Subject<D extends ConsensusDriver> implements ConformanceTrial {
  readonly #harness: DriverHarness<D>;
  #driver: D;

  constructor(harness: DriverHarness<D>, driver: D) {
    this.#harness = harness;
    this.#driver = driver;
  }

  get driver(): ConsensusDriver {
    return this.#driver;
  }

  async reopen(): Promise<void> {
    const { reopen } = this.#harness;
    if (reopen) this.#driver = await reopen(this.#driver);
  }

  async openWith(content: SequenceStoreContent): Promise<void> {
    const { close, openWith } = this.#harness;
    if (!openWith) return;
    await close(this.#driver);
    this.#driver = await openWith(content);
  }

  async supersede(): Promise<void> {
    await this.#harness.supersede?.(this.#driver);
  }

  async close(): Promise<void> {
    await this.#harness.close(this.#driver);
  }
}
