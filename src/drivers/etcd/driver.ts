// SPDX-License-Identifier: Apache-2.0

import { SystemClock } from "../../clock/system_clock.ts";
import { ClusterDriver } from "../cluster/driver.ts";
import type { StoreTiming } from "../cluster/location.ts";
import { DEFAULT_RESTORE_TIMEOUT_MS, restoreStore } from "../cluster/restore.ts";
import type { Restored } from "../cluster/restore.ts";
import { DEFAULT_LEASE_MS } from "../cluster/timing.ts";
import { EtcdClient } from "./client.ts";
import { checkLocation, checkSequenceLimit } from "./options.ts";
import type { EtcdDriverOptions, EtcdLocation, EtcdRestoreOptions } from "./options.ts";
import { EtcdStore } from "./store.ts";

/**
 * A driver for several nodes that keeps leadership, high-water, sequences and leases in etcd 3.4 or later. The node that leads
 * writes a heartbeat four times per lease; another takes over once it has heard none for a lease and a margin.
 *
 * @example
 * ```ts ignore
 * import { Oracle, parseEndpoint } from "@tsoracle/tsoracle";
 * import { EtcdDriver } from "@tsoracle/tsoracle/drivers/etcd";
 *
 * const endpoint = parseEndpoint("10.0.0.7:50551");
 * await using driver = new EtcdDriver({ endpoints: ["etcd-a:2379", "etcd-b:2379"], endpoint });
 * await using oracle = new Oracle({ driver });
 * ```
 */
export class EtcdDriver extends ClusterDriver {
  /**
   * Makes a driver that has not connected to etcd yet.
   *
   * @throws {RangeError} if an option is out of range; the message names it
   * @throws {CoreError} `invalid-endpoint` if a member of `endpoints` is none
   */
  constructor(options: EtcdDriverOptions) {
    const { maxSequenceKeys, clock = new SystemClock(), leaseMs = DEFAULT_LEASE_MS } = options;
    if (maxSequenceKeys !== undefined) checkSequenceLimit(maxSequenceKeys);
    super({ ...options, clock, store: storeOf(options, { clock, watchTimeoutMs: leaseMs }) });
  }

  /**
   * After etcd was set back to a snapshot, with no node of the oracle running: makes every later epoch greater than
   * all before, and raises the high-water. Repeating it is harmless. It looks for heartbeats for 2 s first.
   *
   * @throws {RangeError} {@linkcode CoreError} if an option is out of range
   * @throws {AdvanceOutOfRangeError} if `atLeastMs` is no whole number from 0 to 2^46 - 1
   * @throws {TransientError} if etcd did not answer in time; it may be done
   * @throws {PermanentError} if there is no oracle under the prefix, a node of it that leads under a lease below 8 s is
   *   running, or sequences of the snapshot would be repeated
   */
  static async restore(options: EtcdRestoreOptions): Promise<Restored> {
    const { clock = new SystemClock(), timeoutMs = DEFAULT_RESTORE_TIMEOUT_MS } = options;
    const store = storeOf(options, { clock, watchTimeoutMs: timeoutMs });
    return await restoreStore(store, { ...options, clock });
  }
}

function storeOf(location: EtcdLocation, { clock, watchTimeoutMs }: StoreTiming): EtcdStore {
  const { urls, tls, prefix } = checkLocation(location);
  return new EtcdStore({
    client: new EtcdClient({ urls, tls, clock }),
    prefix,
    clock,
    watchTimeoutMs,
  });
}
