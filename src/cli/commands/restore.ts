// SPDX-License-Identifier: Apache-2.0

import { ConsensusError } from "../../consensus/errors.ts";
import { PHYSICAL_MS_MAX } from "../../core/timestamp.ts";
import type { Restored } from "../../drivers/cluster/restore.ts";
import { EtcdDriver } from "../../drivers/etcd/mod.ts";
import { PostgresDriver } from "../../drivers/postgres/mod.ts";
import { defineCommand } from "../command.ts";
import { JSON_FLAG } from "../common.ts";
import { formatDuration } from "../duration.ts";
import { CommandError, EXIT, UsageError } from "../errors.ts";
import type { Settings } from "../flag.ts";
import { optionalFlag, switchFlag, valueFlag } from "../flag.ts";
import { ETCD_FLAGS, POSTGRES_FLAGS, PREFIX_FLAGS } from "../serve/driver_flags.ts";
import { driverOf, refuseForeignFlags } from "../serve/drivers.ts";
import type { DriverName } from "../serve/drivers.ts";
import { checkEtcd, etcdLocation } from "../serve/etcd_location.ts";
import { checkPostgres, postgresLocation } from "../serve/postgres_location.ts";
import { durationFrom, wholeNumber } from "../values.ts";

/** How far above the clock the high-water goes if nothing is said, in milliseconds (docs/operations.md). */
const MARGIN_MS = 600_000;

const RESTORE_FLAGS = {
  seedPhysicalMs: optionalFlag("seed-physical-ms", {
    placeholder: "MS",
    summary: `high-water to reach at least, in milliseconds since 1970; without it the clock and ${
      formatDuration(MARGIN_MS)
    }`,
    fromEnvironment: false,
    parse: wholeNumber(0, PHYSICAL_MS_MAX),
  }),
  keepSequences: switchFlag(
    "keep-sequences",
    "restore also if there are sequences: their ordinals since the backup would be given out again",
    { fromEnvironment: false },
  ),
  timeoutMs: valueFlag("timeout", {
    placeholder: "DURATION",
    fallback: "10s",
    summary: "how long the engine may take for each step",
    fromEnvironment: false,
    parse: durationFrom(1),
  }),
  ...PREFIX_FLAGS,
  json: JSON_FLAG,
} as const;

const ALL_FLAGS = { ...RESTORE_FLAGS, ...ETCD_FLAGS, ...POSTGRES_FLAGS } as const;

type RestoreSettings = Settings<typeof ALL_FLAGS>;

/** `tsoracle restore`. */
export const RESTORE_COMMAND = defineCommand({
  name: "restore",
  operands: "etcd|postgres",
  summary: "Make an engine that was set back to a backup fit to be served again",
  examples: [
    {
      line: "tsoracle restore etcd --etcd etcd-a:2379,etcd-b:2379,etcd-c:2379",
      effect: "with no node running: later timestamps and epochs are above all earlier ones",
    },
    {
      line:
        "tsoracle restore postgres --url postgres://tsoracle@pg-a/tsoracle --seed-physical-ms 1795416706792",
      effect: "at least above that millisecond",
    },
  ],
  notes: [
    "Stop every node first: a leader that is found running within 2 s is refused. The high-water and the incarnation, which is the upper half of every epoch, are raised in one step; repeating it is harmless.",
    "If the oracle was restored or seeded before, the new seed must also be above that seed and what was issued after it: keep the line that is printed, and see the formula in docs/operations.md.",
    "It refuses a store with sequences: what was taken since the backup would be taken again. With --keep-sequences they go on from where the backup has them.",
    "If leases are in use, start no node before the longest of them has run out: those granted since the backup are not known. docs/operations.md has the reasons.",
  ],
  flags: ALL_FLAGS,
  sections: [
    { title: "Flags", flags: RESTORE_FLAGS },
    { title: "Driver 'etcd'", flags: ETCD_FLAGS },
    { title: "Driver 'postgres'", flags: POSTGRES_FLAGS },
  ],
  async body({ settings, given, operands, context }) {
    const driver = clusterDriverOf(operands);
    refuseForeignFlags(driver, given);
    const atLeastMs = settings.seedPhysicalMs ?? Date.now() + MARGIN_MS;
    const restored = await restore(driver, settings, atLeastMs);
    context.stdout.write(`${linesOf(restored, { driver, ...settings })}\n`);
    return EXIT.ok;
  },
});

type ClusterDriverName = Exclude<DriverName, "file">;

function clusterDriverOf(operands: readonly string[]): ClusterDriverName {
  if (operands.length === 0) {
    throw new UsageError("Cannot restore: the driver is missing; write tsoracle restore etcd");
  }
  const driver = driverOf("restore", operands);
  if (driver !== "file") return driver;
  throw new UsageError(
    "Cannot restore a state directory: a backup of one has no use; see tsoracle init --help",
  );
}

async function restore(
  driver: ClusterDriverName,
  settings: RestoreSettings,
  atLeastMs: number,
): Promise<Restored> {
  const { keepSequences, timeoutMs } = settings;
  const options = { atLeastMs, keepSequences, timeoutMs };
  if (driver === "etcd") checkEtcd(settings);
  else checkPostgres(settings);
  try {
    return driver === "etcd"
      ? await EtcdDriver.restore({ ...await etcdLocation(settings), ...options })
      : await PostgresDriver.restore({ ...await postgresLocation(settings), ...options });
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message, { cause: error });
    if (!(error instanceof ConsensusError)) throw error;
    throw new CommandError(
      `Cannot restore: ${error.message}; see tsoracle restore --help`,
      { cause: error },
    );
  }
}

interface Told {
  readonly driver: ClusterDriverName;
  readonly prefix: string;
  readonly json: boolean;
}

function linesOf(restored: Restored, { driver, prefix, json }: Told): string {
  const { highWaterMs, incarnation, sequences, leases } = restored;
  if (json) {
    const figures = { highWaterMs, incarnation: String(incarnation), sequences, leases };
    return JSON.stringify({ driver, prefix, ...figures });
  }
  return [
    `Restored '${prefix}' in ${driver}: every later timestamp is above physical_ms=${highWaterMs} (${
      new Date(highWaterMs).toISOString()
    })`,
    `incarnation=${incarnation} sequences=${sequences} leases=${leases}`,
    `Keep ${highWaterMs}: a later restore needs a seed above it (docs/operations.md)`,
  ].join("\n");
}
