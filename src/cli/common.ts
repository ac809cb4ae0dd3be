// SPDX-License-Identifier: Apache-2.0

import { UsageError } from "./errors.ts";
import type { Flag } from "./flag.ts";
import { switchFlag, valueFlag } from "./flag.ts";
import { parsePath } from "./values.ts";

/** `--json`: an output format belongs to one call, so the environment cannot set it. */
export const JSON_FLAG: Flag<boolean> = switchFlag("json", "print one JSON object", {
  fromEnvironment: false,
});

/** `--state-dir`, the same for every command that touches the state (behaviour.md 7.3). */
export const STATE_DIR_FLAG: Flag<string> = valueFlag("state-dir", {
  placeholder: "DIR",
  fallback: "./tsoracle-data",
  summary: "directory of the durable state; it is made if it is missing",
  parse: parsePath,
});

/**
 * Refuses words that a command has no use for.
 *
 * @throws {UsageError} naming the first of them
 */
export function refuseOperands(command: string, operands: readonly string[]): void {
  if (operands.length === 0) return;
  throw new UsageError(
    `Cannot use ${
      JSON.stringify(operands[0])
    }: ${command} takes no such argument; see tsoracle ${command} --help`,
  );
}
