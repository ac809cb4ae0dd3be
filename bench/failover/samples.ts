// SPDX-License-Identifier: Apache-2.0

/** How the cluster of a sample was set up. */
export interface SampleSetup {
  /** The engine, such as `etcd`. */
  readonly engine: string;
  /** The lease of the leader, in milliseconds. */
  readonly leaseMs: number;
  /** How far ahead of the clock the high-water is pushed, in milliseconds. */
  readonly windowAheadMs: number;
}

/** One measured event of a run of tests/cluster. */
export type Sample =
  & SampleSetup
  & (
    /** From the fault to the first answer of a later term, as a client sees it. */
    | { readonly kind: "fail-over"; readonly fault: string; readonly ms: number }
    /** The longest time without any answer around a fault that does not concern the oracles. */
    | { readonly kind: "pause"; readonly fault: string; readonly ms: number }
    /** Every node of a cluster restarted, one after the other. */
    | { readonly kind: "rolling restart"; readonly calls: number; readonly failedCalls: number }
  );

/**
 * Reads a file of samples, one JSON object a line.
 *
 * @throws {SyntaxError} if a line is no JSON
 */
export function parseSamples(text: string): readonly Sample[] {
  return text.split("\n").filter((line) => line !== "").map((line): Sample => JSON.parse(line));
}
