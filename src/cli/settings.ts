// SPDX-License-Identifier: Apache-2.0

import type { CliContext } from "./context.ts";
import { UsageError, ValueError } from "./errors.ts";
import type { Flag, FlagTable, Settings } from "./flag.ts";
import { environmentName } from "./flag.ts";

/** Where a value came from, the strongest first. */
export type Source = "flag" | "environment" | "default";

/** The texts of one flag, and where they came from. */
export interface Given {
  readonly source: Source;
  /** As written; empty if there is not even a default. */
  readonly texts: readonly string[];
}

/** The values of a table of flags, and for each flag where its value came from. */
export interface Resolved<Table extends FlagTable> {
  readonly settings: Settings<Table>;
  readonly given: Readonly<Record<keyof Table, Given>>;
}

const TRUE_OR_FALSE = new Set(["true", "false"]);

/**
 * Takes each setting from the command line, else from the environment, else from its default. A variable
 * that is set to nothing counts as not set.
 *
 * @param flagTexts texts by the name of the flag, as the command line gave them
 * @throws {UsageError} naming the flag or the variable, the value and the rule
 */
export function resolveSettings<Table extends FlagTable>(
  table: Table,
  flagTexts: ReadonlyMap<string, readonly string[]>,
  env: CliContext["env"],
): Resolved<Table> {
  const settings: Record<string, unknown> = {};
  const given: Record<string, Given> = {};
  for (const [key, flag] of Object.entries(table)) {
    given[key] = givenTexts(flag, flagTexts, env);
    settings[key] = readFlag(flag, given[key]);
  }
  return { settings: settings as Settings<Table>, given: given as Record<keyof Table, Given> };
}

function givenTexts(
  flag: Flag<unknown>,
  flagTexts: ReadonlyMap<string, readonly string[]>,
  env: CliContext["env"],
): Given {
  const fromFlag = flagTexts.get(flag.name);
  if (fromFlag !== undefined) return { source: "flag", texts: fromFlag };
  const fromEnv = flag.fromEnvironment ? env[environmentName(flag)] : undefined;
  if (fromEnv !== undefined && fromEnv !== "") {
    const isParted = flag.kind === "list" && flag.takesCommas !== true;
    const texts = isParted ? fromEnv.split(",").map((text) => text.trim()) : [fromEnv];
    return { source: "environment", texts };
  }
  return { source: "default", texts: flag.fallback === undefined ? [] : [flag.fallback] };
}

function readFlag(flag: Flag<unknown>, given: Given): unknown {
  try {
    if (flag.kind === "switch" && !TRUE_OR_FALSE.has(given.texts.at(-1) ?? "")) {
      throw new ValueError("it must be true or false");
    }
    return flag.read(given.texts);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    const text = given.texts.map((each) => flag.show?.(each) ?? each).join(",");
    const name = given.source === "environment"
      ? `${environmentName(flag)}=${text}`
      : `--${flag.name} ${text}`;
    throw new UsageError(`Cannot use ${name}: ${error.message}`);
  }
}
