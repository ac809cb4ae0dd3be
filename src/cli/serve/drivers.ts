// SPDX-License-Identifier: Apache-2.0

import { UsageError } from "../errors.ts";
import type { FlagTable } from "../flag.ts";
import type { Given } from "../settings.ts";
import { closest } from "../suggest.ts";
import { CLUSTER_FLAGS, ETCD_FLAGS, FILE_FLAGS, POSTGRES_FLAGS } from "./driver_flags.ts";

/** The drivers that the command line knows. */
export const DRIVERS = ["file", "etcd", "postgres"] as const;

/** One of them. */
export type DriverName = (typeof DRIVERS)[number];

/** The flags that belong to some drivers, and to which. All other flags belong to all. */
const OWNED: readonly { readonly flags: FlagTable; readonly by: readonly DriverName[] }[] = [
  { flags: FILE_FLAGS, by: ["file"] },
  { flags: CLUSTER_FLAGS, by: ["etcd", "postgres"] },
  { flags: ETCD_FLAGS, by: ["etcd"] },
  { flags: POSTGRES_FLAGS, by: ["postgres"] },
];

/**
 * Reads the driver from the words of the command line; without one it is `file`.
 *
 * @param command the command, for the messages
 * @throws {UsageError} naming the word that is no driver, or one too many
 */
export function driverOf(command: string, operands: readonly string[]): DriverName {
  const [word = "file", ...more] = operands;
  const driver = DRIVERS.find((name) => name === word);
  if (driver === undefined) {
    const meant = closest(word, DRIVERS);
    const hint = meant === undefined ? `one of ${DRIVERS.join(", ")}` : `did you mean ${meant}?`;
    throw new UsageError(
      `Cannot ${command} ${JSON.stringify(word)}: there is no such driver; ${hint}`,
    );
  }
  if (more.length === 0) return driver;
  throw new UsageError(
    `Cannot use ${
      JSON.stringify(more[0])
    }: ${command} takes one driver; see tsoracle ${command} --help`,
  );
}

/**
 * Refuses flags of other drivers. A variable of the environment is passed over: it may be there for another process.
 *
 * @throws {UsageError} naming the flag and its drivers
 */
export function refuseForeignFlags(
  driver: DriverName,
  given: Readonly<Record<string, Given>>,
): void {
  for (const { flags, by } of OWNED.filter((owned) => !owned.by.includes(driver))) {
    for (const [key, { name }] of Object.entries(flags)) {
      if (given[key]?.source !== "flag") continue;
      throw new UsageError(
        `Cannot use --${name} with the driver '${driver}': it belongs to ${by.join(" and ")}`,
      );
    }
  }
}

/** A table of flags without those of other drivers. */
export function withoutForeign(table: FlagTable, driver: DriverName): FlagTable {
  const foreign = OWNED.filter((owned) => !owned.by.includes(driver));
  const isForeign = (key: string) => foreign.some(({ flags }) => key in flags);
  return Object.fromEntries(Object.entries(table).filter(([key]) => !isForeign(key)));
}
