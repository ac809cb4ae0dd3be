// SPDX-License-Identifier: Apache-2.0

import type { FlagTable } from "../flag.ts";
import type { Given } from "../settings.ts";

/**
 * The effective configuration, one setting for each line: its flag, its value and where it came from.
 * What is not set at all is left out, and passwords are not shown.
 */
export function configLines(table: FlagTable, given: Readonly<Record<string, Given>>): string {
  const rows = Object.entries(table).flatMap(([key, flag]) => {
    const { texts, source } = given[key] ?? { texts: [], source: "default" };
    const shown = flag.kind === "list" ? texts : texts.slice(-1);
    return shown.map((text) => [`--${flag.name}`, flag.show?.(text) ?? text, source] as const);
  });
  const [first, second] = [0, 1].map((column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)) + 2
  );
  return rows
    .map(([name, text, source]) =>
      `${name.padEnd(first ?? 0)}${text.padEnd(second ?? 0)}${source}\n`
    )
    .join("");
}
