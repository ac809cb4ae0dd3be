// SPDX-License-Identifier: Apache-2.0

import type { ParseArgsConfig } from "node:util";
import { parseArgs } from "node:util";
import { UsageError } from "./errors.ts";
import type { Flag, FlagTable } from "./flag.ts";
import { oppositeName } from "./flag.ts";
import { closest } from "./suggest.ts";

/** A command line, taken apart. */
export interface ParsedArgs {
  /** Texts by the name of the flag, in the order given. */
  readonly flagTexts: ReadonlyMap<string, readonly string[]>;
  /** What is no flag. */
  readonly positionals: readonly string[];
}

type ParseOptions = NonNullable<ParseArgsConfig["options"]>;

/**
 * Takes the arguments of one command apart.
 *
 * @throws {UsageError} if a flag is unknown, has no value or has one too many
 */
export function parseCommandArgs(table: FlagTable, args: readonly string[]): ParsedArgs {
  const flags = Object.values(table);
  const options = parseOptions(flags);
  const { tokens, positionals } = parseStrictly(args, options);
  const flagTexts = new Map<string, string[]>();
  const add = (name: string, text: string) => {
    flagTexts.set(name, [...flagTexts.get(name) ?? [], text]);
  };
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const undone = flags.find((flag) => oppositeName(flag) === token.name);
    if (undone !== undefined) add(undone.name, "false");
    else add(token.name, token.value ?? "true");
  }
  return { flagTexts, positionals };
}

function parseOptions(flags: readonly Flag<unknown>[]): ParseOptions {
  const options: ParseOptions = {};
  for (const flag of flags) {
    options[flag.name] = { type: flag.kind === "switch" ? "boolean" : "string", multiple: true };
    const opposite = oppositeName(flag);
    if (opposite !== undefined) options[opposite] = { type: "boolean", multiple: true };
  }
  return options;
}

function parseStrictly(args: readonly string[], options: ParseOptions) {
  try {
    return parseArgs({
      args: [...args],
      options,
      strict: true,
      allowPositionals: true,
      tokens: true,
    });
  } catch (error) {
    throw new UsageError(explain(error, args, options), { cause: error });
  }
}

function explain(error: unknown, args: readonly string[], options: ParseOptions): string {
  if (!(error instanceof Error)) return String(error);
  if (!("code" in error) || error.code !== "ERR_PARSE_ARGS_UNKNOWN_OPTION") {
    return `Cannot read the flags: ${error.message.split("\n")[0]}`;
  }
  const known = Object.keys(options);
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const unknown = tokens.find((token) => token.kind === "option" && !known.includes(token.name));
  if (unknown?.kind !== "option") return `Cannot read the flags: ${error.message}`;
  const meant = closest(unknown.name, known);
  const hint = meant === undefined ? "--help lists the flags" : `did you mean --${meant}?`;
  return `Cannot use ${unknown.rawName}: there is no such flag; ${hint}`;
}
