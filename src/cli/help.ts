// SPDX-License-Identifier: Apache-2.0

import type { Command, Example } from "./command.ts";
import { sectionsOf } from "./command.ts";
import type { Flag } from "./flag.ts";
import { environmentName, oppositeName } from "./flag.ts";

/** `--help` for the program: what it can do. */
export function programHelp(commands: readonly Command[]): string {
  const examples = commands.flatMap((command) => command.examples.slice(0, 1));
  const width = Math.max(...commands.map((command) => command.name.length)) + 2;
  return [
    "tsoracle hands out strictly increasing 64-bit timestamps.",
    "",
    ...exampleLines(examples),
    "Usage: tsoracle [COMMAND] [FLAGS]",
    "",
    "Commands:",
    ...commands.map((command) => `  ${command.name.padEnd(width)}${command.summary}`),
    "",
    "Without a command: tsoracle serve. Flags of a command: tsoracle COMMAND --help.",
    "",
  ].join("\n");
}

/** `--help` for one command: examples, then usage, flags and notes. */
export function commandHelp(command: Command): string {
  const operands = command.operands === "" ? "" : ` ${command.operands}`;
  return [
    `${command.summary}.`,
    "",
    ...exampleLines(command.examples),
    `Usage: tsoracle ${command.name}${operands} [FLAGS]`,
    "",
    ...sectionsOf(command).flatMap(({ title, flags }) => [
      `${title}:`,
      ...Object.values(flags).flatMap(flagLines),
      "",
    ]),
    "  -h, --help",
    "      print this help",
    "",
    ...command.notes.flatMap((note) => [note, ""]),
  ].join("\n");
}

/** How a flag is written: `--listen HOST:PORT`, or both words of a switch. */
export function flagUsage(flag: Flag<unknown>): string {
  const opposite = oppositeName(flag);
  if (opposite !== undefined) return `--${flag.name}, --${opposite}`;
  return flag.placeholder === "" ? `--${flag.name}` : `--${flag.name} ${flag.placeholder}`;
}

function exampleLines(examples: readonly Example[]): readonly string[] {
  const lines = examples.flatMap(({ line, effect }) => [`  ${line}`, `      ${effect}`]);
  return ["Examples:", ...lines, ""];
}

function flagLines(flag: Flag<unknown>): readonly string[] {
  const facts = [
    flag.kind === "list" ? "may be repeated" : "",
    flag.fallback === undefined || flag.kind === "switch" ? "" : `default ${flag.fallback}`,
    flag.fromEnvironment ? `env ${environmentName(flag)}` : "",
  ].filter((fact) => fact !== "");
  const lines = [`  ${flagUsage(flag)}`, `      ${flag.summary}`];
  return facts.length === 0 ? lines : [...lines, `      [${facts.join("; ")}]`];
}
