// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { ConsensusDriver } from "../../consensus/driver.ts";
import { CERTAINTY_CHECKS } from "./certainty_checks.ts";
import type { ConformanceHook, DriverCheck } from "./driver_check.ts";
import type { DriverFeature } from "./driver_harness.ts";
import { EVENT_CHECKS } from "./event_checks.ts";
import { FAULT_CHECKS } from "./fault_checks.ts";
import { HIGH_WATER_CHECKS } from "./high_water_checks.ts";
import { LEASE_CHECKS } from "./lease_checks.ts";
import { RESIGN_CHECKS } from "./resign_checks.ts";
import { SEQUENCE_CHECKS } from "./sequence_checks.ts";
import { SEQUENCE_FAULT_CHECKS } from "./sequence_fault_checks.ts";

interface Feature {
  readonly methods: ReadonlyArray<keyof ConsensusDriver>;
  /** What makes sense of the feature. */
  readonly needs: readonly ConformanceHook[];
  readonly checks: readonly DriverCheck[];
}

const FEATURES: Readonly<Record<DriverFeature, Feature>> = {
  sequences: {
    methods: ["loadDenseSeq", "advanceDense", "advanceDenseBatch"],
    needs: [],
    checks: [...SEQUENCE_CHECKS, ...SEQUENCE_FAULT_CHECKS],
  },
  leases: { methods: ["loadLeases", "persistLeases"], needs: [], checks: LEASE_CHECKS },
  resignation: { methods: ["resign"], needs: ["standby"], checks: RESIGN_CHECKS },
};

/** What a harness can do, whatever it does it with. */
type Plan =
  & { readonly [hook in ConformanceHook]?: unknown }
  & { readonly without?: readonly DriverFeature[] };

/** A check, and the feature that it belongs to. */
interface PlannedCheck extends DriverCheck {
  /** Absent: every driver has what it tries. */
  readonly feature?: string;
}

/** Every check, those that cannot be tried included. */
export function allChecks(plan: Pick<Plan, "without">): readonly PlannedCheck[] {
  const checks: PlannedCheck[] = [
    ...EVENT_CHECKS,
    ...CERTAINTY_CHECKS,
    ...HIGH_WATER_CHECKS,
    ...FAULT_CHECKS,
  ];
  for (const [feature, { methods, needs, checks: those }] of Object.entries(FEATURES)) {
    const id = `has-${feature}`;
    if (isLacking(plan, feature)) checks.push({ id, ...absence(feature, methods) });
    else checks.push({ id, needs, ...presence(feature, methods) });
    checks.push(...those.map((check) => ({ ...check, feature })));
  }
  return checks;
}

/** Why a check cannot be tried; `undefined` if it can. */
export function untriedBecause(check: PlannedCheck, plan: Plan): string | undefined {
  const { feature, needs } = check;
  if (feature !== undefined && isLacking(plan, feature)) return `the driver has no ${feature}`;
  const missing = needs.filter((hook) => plan[hook] === undefined);
  if (missing.length === 0) return undefined;
  return `the harness has no ${missing.map((hook) => `'${hook}'`).join(" and no ")}`;
}

function isLacking({ without = [] }: Pick<Plan, "without">, feature: string): boolean {
  return without.some((each) => each === feature);
}

type Trying = Pick<DriverCheck, "title" | "run">;

function presence(feature: string, methods: Feature["methods"]): Trying {
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

function absence(
  feature: string,
  methods: Feature["methods"],
): Trying & Pick<DriverCheck, "needs"> {
  return {
    title: `has no ${feature}, and no part of them`,
    needs: [],
    run: ({ driver }) => {
      assert.deepEqual(methods.filter((method) => driver[method] !== undefined), []);
      return Promise.resolve();
    },
  };
}
