// SPDX-License-Identifier: Apache-2.0

import type { Command } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { SERVE_COMMAND } from "./commands/serve.ts";
import { VERSION_COMMAND } from "./commands/version.ts";
import type { CliContext } from "./context.ts";
import { EXIT, UsageError } from "./errors.ts";
import { commandHelp, programHelp } from "./help.ts";
import { reportError } from "./report_error.ts";
import { closest } from "./suggest.ts";

const HELP_FLAGS = new Set(["--help", "-h"]);

/**
 * Runs one command line to its end. It never throws: what goes wrong is told on standard error.
 *
 * @returns the exit code: 0, 1 (failed), 2 (wrong usage), 3 (`bench` found a wrong answer), 4 (`seq` does not know its outcome), 130 or 143 (a second signal forced the end)
 */
export async function main(context: CliContext): Promise<number> {
  try {
    return await dispatch(context);
  } catch (error) {
    return reportError(error, context.stderr);
  }
}

function dispatch(context: CliContext): Promise<number> {
  const [first, ...rest] = context.args;
  if (first === undefined) return SERVE_COMMAND.run([], context);
  if (first === "--version") return VERSION_COMMAND.run(rest, context);
  if (HELP_FLAGS.has(first) || first === "help") return printHelp(rest[0], context);
  const command = findCommand(first);
  const flags = rest.includes("--") ? rest.slice(0, rest.indexOf("--")) : rest;
  if (flags.some((arg) => HELP_FLAGS.has(arg))) return printHelp(command.name, context);
  return command.run(rest, context);
}

function printHelp(name: string | undefined, context: CliContext): Promise<number> {
  const text = name === undefined ? programHelp(COMMANDS) : commandHelp(findCommand(name));
  context.stdout.write(text);
  return Promise.resolve(EXIT.ok);
}

function findCommand(name: string): Command {
  const command = COMMANDS.find((known) => known.name === name);
  if (command !== undefined) return command;
  if (name.startsWith("-")) {
    throw new UsageError(
      `Cannot use ${name} before a command: write tsoracle serve ${name}; tsoracle --help lists the commands`,
    );
  }
  const meant = closest(name, COMMANDS.map((known) => known.name));
  const hint = meant === undefined ? "tsoracle --help lists them" : `did you mean ${meant}?`;
  throw new UsageError(`Cannot run ${JSON.stringify(name)}: there is no such command; ${hint}`);
}
