// SPDX-License-Identifier: Apache-2.0

import type { ConsensusDriver } from "../consensus/driver.ts";
import { CONFORMANCE_CASES } from "./driver_conformance_cases.ts";
import type { ConformanceTrial } from "./driver_conformance_cases.ts";

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
  for (const { title, needs, run } of CONFORMANCE_CASES) {
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

  async supersede(): Promise<void> {
    await this.#harness.supersede?.(this.#driver);
  }

  async close(): Promise<void> {
    await this.#harness.close(this.#driver);
  }
}
