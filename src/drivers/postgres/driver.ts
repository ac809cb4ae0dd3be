// SPDX-License-Identifier: Apache-2.0

import { SystemClock } from "../../clock/system_clock.ts";
import { ClusterDriver } from "../cluster/driver.ts";
import type { StoreTiming } from "../cluster/location.ts";
import { DEFAULT_RESTORE_TIMEOUT_MS, restoreStore } from "../cluster/restore.ts";
import type { Restored } from "../cluster/restore.ts";
import { DEFAULT_LEASE_MS } from "../cluster/timing.ts";
import { checkLocation } from "./options.ts";
import type { PostgresDriverOptions, PostgresLocation, PostgresRestoreOptions } from "./options.ts";
import { PostgresStore } from "./store.ts";

/** Polls of a standby per lease: as many as a leader gives signs of life. */
const POLLS_PER_LEASE = 4;

/** How often a running node asks whether its server still keeps what it acknowledges, in milliseconds. */
const CHECK_MS = 60_000;

/**
 * A driver for several nodes that keeps leadership, high-water, sequences and leases in PostgreSQL. The node that leads writes a
 * heartbeat four times per lease; another takes over once it has seen none for a lease and a margin. It refuses a server
 * that does not keep what it acknowledges (docs/engines.md).
 *
 * @example
 * ```ts ignore
 * import { Oracle, parseEndpoint } from "@tsoracle/tsoracle";
 * import { PostgresDriver } from "@tsoracle/tsoracle/drivers/postgres";
 *
 * const endpoint = parseEndpoint("10.0.0.7:50551");
 * const urls = ["postgres://tsoracle:secret@pg-a,pg-b/tsoracle?sslmode=verify-full"];
 * await using driver = new PostgresDriver({ urls, endpoint });
 * await using oracle = new Oracle({ driver });
 * ```
 */
export class PostgresDriver extends ClusterDriver {
  /**
   * Makes a driver that has not connected to PostgreSQL yet.
   *
   * @throws {RangeError} if an option is out of range; the message names it, and no URL is in it
   */
  constructor(options: PostgresDriverOptions) {
    const { clock = new SystemClock(), leaseMs = DEFAULT_LEASE_MS } = options;
    super({ ...options, clock, store: storeOf(options, { clock, watchTimeoutMs: leaseMs }) });
  }

  /**
   * After the database was set back to a backup, with no node of the oracle running: makes every later epoch greater
   * than all before, and raises the high-water. Repeating it is harmless. It looks for heartbeats for 2 s first.
   *
   * @throws {RangeError} if an option is out of range
   * @throws {AdvanceOutOfRangeError} if `atLeastMs` is no whole number from 0 to 2^46 - 1
   * @throws {TransientError} if PostgreSQL did not answer in time; it may be done
   * @throws {UnavailableError} if it was not reached
   * @throws {PermanentError} if there is no oracle of that name, a node of it that leads under a lease below 8 s is running,
   *   or sequences of the backup would be repeated
   */
  static async restore(options: PostgresRestoreOptions): Promise<Restored> {
    const { clock = new SystemClock(), timeoutMs = DEFAULT_RESTORE_TIMEOUT_MS } = options;
    const store = storeOf(options, { clock, watchTimeoutMs: timeoutMs });
    return await restoreStore(store, { ...options, clock });
  }
}

function storeOf(location: PostgresLocation, timing: StoreTiming): PostgresStore {
  const pollMs = timing.watchTimeoutMs / POLLS_PER_LEASE;
  return new PostgresStore({ ...checkLocation(location), ...timing, pollMs, checkMs: CHECK_MS });
}
