// SPDX-License-Identifier: Apache-2.0

/**
 * The parts of docs/cli.md and docs/observability.md that follow from tables of the program. Run it to write
 * them afresh: `deno run -A tests/cli/_support/reference.ts`.
 *
 * @module
 */

import { COMMANDS } from "../../../src/cli/commands.ts";
import type { Command } from "../../../src/cli/command.ts";
import { sectionsOf } from "../../../src/cli/command.ts";
import type { Flag } from "../../../src/cli/flag.ts";
import { environmentName } from "../../../src/cli/flag.ts";
import { flagUsage } from "../../../src/cli/help.ts";
import { DRIVER_COUNTERS, DRIVER_HISTOGRAMS } from "../../../src/consensus/driver_metrics.ts";
import { prometheusName } from "../../../src/observe/prometheus.ts";
import { COUNTERS, GAUGES, HISTOGRAMS } from "../../../src/server/metrics.ts";

/** A page and the parts of it that are generated, by name. */
export interface GeneratedPage {
  readonly path: string;
  readonly parts: ReadonlyMap<string, string>;
}

/** Every page with generated parts. */
export const GENERATED_PAGES: readonly GeneratedPage[] = [
  {
    path: "docs/cli.md",
    parts: new Map(COMMANDS.map((command) => [`command ${command.name}`, commandPart(command)])),
  },
  {
    path: "docs/observability.md",
    parts: new Map([
      ["counters", metricsPart(COUNTERS)],
      ["histograms", metricsPart(HISTOGRAMS)],
      ["gauges", metricsPart(GAUGES)],
      ["driver counters", metricsPart(DRIVER_COUNTERS)],
      ["driver histograms", metricsPart(DRIVER_HISTOGRAMS)],
    ]),
  },
];

/**
 * Puts the generated parts into a page, between the comments that name them.
 *
 * @throws {Error} if the page has no place for a part, or a place for none
 */
export function withParts(text: string, parts: ReadonlyMap<string, string>): string {
  const missing = new Set(parts.keys());
  const filled = text.replace(
    /<!-- begin (.+?) -->\n[^]*?<!-- end -->/g,
    (_, name: string) => {
      const part = parts.get(name);
      if (part === undefined) throw new Error(`Nothing is called ${name}`);
      missing.delete(name);
      return `<!-- begin ${name} -->\n\n${part}\n<!-- end -->`;
    },
  );
  if (missing.size > 0) throw new Error(`The page has no place for ${[...missing].join(", ")}`);
  return filled;
}

function commandPart(command: Command): string {
  const operands = command.operands === "" ? "" : ` ${command.operands}`;
  const lines = command.examples.flatMap(({ line, effect }) => [`# ${effect}`, line]);
  const tables = sectionsOf(command).flatMap(({ title, flags }) => {
    const rows = Object.values(flags).map(flagRow);
    if (rows.length === 0) return [];
    const heading = command.sections === undefined ? [] : [`### ${title}`, ""];
    return [...heading, table(["Flag", "Default", "Variable", "Meaning"], rows)];
  });
  return [
    `${command.summary}: \`tsoracle ${command.name}${operands} [FLAGS]\``,
    "",
    "```sh",
    ...lines,
    "```",
    "",
    ...command.notes.flatMap((note) => [note, ""]),
    ...tables,
  ].join("\n");
}

function flagRow(flag: Flag<unknown>): readonly string[] {
  const usage = flagUsage(flag).split(", ").map((word) => `\`${word}\``).join(", ");
  const fallback = flag.kind === "switch" ? "off" : flag.fallback ?? "";
  const variable = flag.fromEnvironment ? `\`${environmentName(flag)}\`` : "";
  const repeated = flag.kind === "list" ? "; may be repeated" : "";
  return [usage, fallback, variable, `${flag.summary}${repeated}`];
}

function metricsPart(names: Readonly<Record<string, string>>): string {
  const rows = Object.entries(names).map(([name, help]) => [`\`${prometheusName(name)}\``, help]);
  return table(["Name", "Meaning"], rows);
}

/** A table in the form that `deno fmt` gives it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length))
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |\n`;
  const rule = widths.map((width) => "-".repeat(width));
  return [head, rule, ...rows].map(line).join("");
}

if (import.meta.main) {
  for (const { path, parts } of GENERATED_PAGES) {
    await Deno.writeTextFile(path, withParts(await Deno.readTextFile(path), parts));
  }
}
