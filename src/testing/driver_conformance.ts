// SPDX-License-Identifier: Apache-2.0

import type { ConsensusDriver } from "../consensus/driver.ts";
import { allChecks, untriedBecause } from "./conformance/checks.ts";
import { tryCheck } from "./conformance/conformance_trial.ts";
import type { DriverHarness } from "./conformance/driver_harness.ts";

/** Options of {@linkcode testDriverConformance}. */
export interface DriverConformanceOptions<D extends ConsensusDriver> extends DriverHarness<D> {
  /** Registers a test with the runner in use, such as `Deno.test` or `test` of node:test. */
  readonly test: (name: string, fn: () => Promise<void>) => void;
  /**
   * Registers a check that the harness says it cannot try, so that what was not proved is seen in the runner's report:
   * `Deno.test.ignore` or `test.skip` of node:test.
   *
   * @default a test that does nothing, under a name that says NOT TRIED
   */
  readonly skip?: (name: string, fn: () => void) => void;
}

/** Options of {@linkcode checkDriverConformance}. */
export interface CheckDriverOptions {
  /**
   * The ids of the checks to try.
   *
   * @default all of them
   */
  readonly only?: readonly string[];
}

/** What became of one check. */
export interface ConformanceResult {
  /** Its name, which stays the same from release to release. */
  readonly id: string;
  /** What is promised. */
  readonly title: string;
  /** Whether the promise was kept; `not-tried` if the harness cannot do what the check needs. */
  readonly outcome: "passed" | "failed" | "not-tried";
  /** How it failed. */
  readonly error?: unknown;
  /** Why it was not tried. */
  readonly reason?: string;
}

/**
 * Registers a test for every promise of {@linkcode ConsensusDriver} that can be tried from outside. A check that
 * needs more than the harness can do is registered as well, under a name that says NOT TRIED.
 *
 * What it cannot try is left to the driver's own tests: that a write survives a crash.
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
  const { test, skip = (title: string) => test(title, () => Promise.resolve()) } = options;
  for (const check of allChecks(options)) {
    const title = `${name} ${check.title} (${check.id})`;
    const reason = untriedBecause(check, options);
    if (reason === undefined) test(title, () => tryCheck(check, options));
    else skip(`${title}: NOT TRIED, ${reason}`, () => {});
  }
}

/**
 * Tries every promise of {@linkcode ConsensusDriver}, one after the other, and reports on each. It needs no test
 * runner.
 *
 * @throws {RangeError} if `only` names a check that there is not
 *
 * @example
 * ```ts
 * import { checkDriverConformance } from "@tsoracle/tsoracle/testing";
 * import { MemoryDriver } from "@tsoracle/tsoracle/drivers/memory";
 * import assert from "node:assert/strict";
 *
 * const results = await checkDriverConformance({
 *   open: () => Promise.resolve(new MemoryDriver()),
 *   close: () => Promise.resolve(),
 * });
 * assert.deepEqual(results.filter(({ outcome }) => outcome === "failed"), []);
 * ```
 */
export async function checkDriverConformance<D extends ConsensusDriver>(
  harness: DriverHarness<D>,
  options: CheckDriverOptions = {},
): Promise<readonly ConformanceResult[]> {
  const checks = allChecks(harness);
  const { only = checks.map(({ id }) => id) } = options;
  const unknown = only.filter((id) => !checks.some((check) => check.id === id));
  if (unknown.length > 0) {
    throw new RangeError(
      `Cannot check as 'only' must have ids of checks: current value has ${unknown.join(", ")}`,
    );
  }
  const results: ConformanceResult[] = [];
  for (const check of checks.filter(({ id }) => only.includes(id))) {
    const { id, title } = check;
    const reason = untriedBecause(check, harness);
    if (reason !== undefined) results.push({ id, title, outcome: "not-tried", reason });
    else {
      results.push(
        await tryCheck(check, harness).then(
          () => ({ id, title, outcome: "passed" } as const),
          (error: unknown) => ({ id, title, outcome: "failed", error } as const),
        ),
      );
    }
  }
  return results;
}
