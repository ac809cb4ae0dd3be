// SPDX-License-Identifier: Apache-2.0

import type { CliContext } from "./context.ts";
import type { FlagTable } from "./flag.ts";
import { parseCommandArgs } from "./parse_args.ts";
import type { Resolved } from "./settings.ts";
import { resolveSettings } from "./settings.ts";

/** A line for people to copy, and what it does. */
export interface Example {
  /** The line, as typed. */
  readonly line: string;
  /** What it does, in a few words. */
  readonly effect: string;
}

/** Flags that belong together. */
export interface FlagSection {
  /** What they are about, as a heading. */
  readonly title: string;
  /** The flags. */
  readonly flags: FlagTable;
}

/** What `--help` and the reference say about a command. */
export interface CommandDescription {
  /** The word that selects the command. */
  readonly name: string;
  /** What stands between the name and the flags in the usage line. */
  readonly operands: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The most useful line first. */
  readonly examples: readonly Example[];
  /** What the flags do not say; may be empty. */
  readonly notes: readonly string[];
  /** The flags under headings, where they are too many for one list. Absent: one list. */
  readonly sections?: readonly FlagSection[];
}

/** What a command is started with. */
export interface Invocation<Table extends FlagTable> extends Resolved<Table> {
  /** What is no flag. */
  readonly operands: readonly string[];
  /** The process around it. */
  readonly context: CliContext;
}

/** A command of the command line. */
export interface Command extends CommandDescription {
  /** Its flags. */
  readonly flags: FlagTable;
  /**
   * Runs the command.
   *
   * @param args what follows the command's name
   * @returns the exit code
   * @throws {UsageError} if the arguments or the environment are wrong
   * @throws {CommandError} if the command failed for a reason that a person can act on
   */
  run(args: readonly string[], context: CliContext): Promise<number>;
}

/** The flags of a command as its help shows them. */
export function sectionsOf({ sections, flags }: Command): readonly FlagSection[] {
  return sections ?? [{ title: "Flags", flags }];
}

/** Describes a command whose body sees the values of its own flags. */
export interface CommandOptions<Table extends FlagTable> extends CommandDescription {
  readonly flags: Table;
  readonly body: (invocation: Invocation<Table>) => Promise<number>;
}

/** Makes a command. */
export function defineCommand<Table extends FlagTable>(options: CommandOptions<Table>): Command {
  const { body, flags, ...description } = options;
  return {
    ...description,
    flags,
    async run(args, context) {
      const { flagTexts, positionals } = parseCommandArgs(flags, args);
      const resolved = resolveSettings(flags, flagTexts, context.env);
      return await body({ ...resolved, operands: positionals, context });
    },
  };
}
