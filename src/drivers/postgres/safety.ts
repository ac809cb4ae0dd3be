// SPDX-License-Identifier: Apache-2.0

import { PermanentError, UnavailableError } from "../../consensus/errors.ts";
import type { Row } from "./session.ts";

/** What decides whether acknowledged writes are durable, apart from the level at which a session commits. */
const DURABILITY = `
  current_setting('fsync') as fsync,
  current_setting('synchronous_standby_names') as standby_names,
  pg_is_in_recovery() as in_recovery,
  case when pg_is_in_recovery() then '0'
    else left(pg_walfile_name(pg_current_wal_lsn()), 8) end as timeline,
  (select count(*) from pg_stat_replication as replica
    where replica.state is distinct from 'backup'
      and replica.application_name is distinct from 'pg_basebackup' and not exists (
      select from pg_replication_slots as slot
      where slot.active_pid = replica.pid and slot.slot_type = 'logical')) as replicas,
  (select count(*) from pg_stat_replication where state is null) as unseen,
  (select count(*) from pg_replication_slots
    where slot_type = 'physical' and not temporary) as slots`;

/** Asks again what may have changed under a running session. */
export const CHECK_SESSION = `
select current_setting('synchronous_commit') as commit_level, ${DURABILITY}`;

/**
 * Sets what a session needs, and asks what decides whether its writes are durable. The level of commit is set
 * to what it is, so that a reload of the configuration does not lower it under a running session. A timeout of
 * statements would cancel the wait of a commit for its replicas, which makes it a success.
 *
 * Not counted as replicas: backups under way, with the stream of the log that accompanies them, and whoever reads
 * the log by a logical slot.
 */
export const BEGIN_SESSION = `
select set_config('default_transaction_isolation', 'read committed', false),
  set_config('statement_timeout', '0', false),
  set_config('client_min_messages', 'warning', false),
  set_config('lock_timeout', $1, false),
  set_config('synchronous_commit', current_setting('synchronous_commit'), false) as commit_level,
  ${DURABILITY}`;

/** Levels of `synchronous_commit` that wait until a synchronous replica has the commit on its disk. */
const WAITS_FOR_REPLICA = ["on", "remote_apply"];

/** What a server has said of itself at the begin of a session. */
export interface ServerState {
  /** Whether it is a standby. */
  readonly inRecovery: boolean;
  /** Grows with each promotion. */
  readonly timeline: number;
}

/** Reads the part of the answer to {@linkcode BEGIN_SESSION} that says which server it is. */
export function serverStateOf(row: Row): ServerState {
  return { inRecovery: row["in_recovery"] === "t", timeline: parseInt(row["timeline"] ?? "0", 16) };
}

/** A server in recovery, which takes no writes; after its promotion it will. */
export function inRecovery(address: string): UnavailableError {
  return new UnavailableError(
    `Cannot use PostgreSQL at ${address} as it is in recovery: give the URL of the primary`,
  );
}

/** Why a primary does not keep what it acknowledges, naming the setting and its value; `undefined` if it does. */
export function objectionTo(
  row: Row,
  acceptAsynchronousReplication: boolean,
): PermanentError | undefined {
  const { fsync, commit_level: level } = row;
  if (fsync !== "on") return refusal("fsync", "on", fsync);
  if (level === "off") {
    return refusal("synchronous_commit", "on (the role or the database may set it, too)", level);
  }
  return acceptAsynchronousReplication || !hasReplicas(row)
    ? undefined
    : objectionToReplication(row);
}

function objectionToReplication(row: Row): PermanentError | undefined {
  const { commit_level: level, replicas, slots } = row;
  const found = `${replicas} replicas and ${slots} replication slots${hidden(row)}`;
  const wayOut =
    "or accept that a failover repeats timestamps with --accept-asynchronous-replication (acceptAsynchronousReplication)";
  if (row["standby_names"] === "") {
    return new PermanentError(
      `Cannot rely on PostgreSQL as it has ${found} and none is synchronous: set synchronous_standby_names, ${wayOut}`,
    );
  }
  if (WAITS_FOR_REPLICA.includes(level ?? "")) return undefined;
  return new PermanentError(
    `Cannot rely on PostgreSQL as it has ${found}, synchronous_standby_names is set, and 'synchronous_commit' must be on or remote_apply: current value is ${level}; set it, ${wayOut}`,
  );
}

function hasReplicas(row: Row): boolean {
  // Who names synchronous standbys has some, though they may be away.
  return row["replicas"] !== "0" || row["slots"] !== "0" || row["standby_names"] !== "";
}

function hidden(row: Row): string {
  return row["unseen"] === "0"
    ? ""
    : ` (the role may not see whether one of them is a backup under way: GRANT pg_monitor TO it)`;
}

function refusal(name: string, wanted: string, found: string | null | undefined): PermanentError {
  return new PermanentError(
    `Cannot rely on PostgreSQL as '${name}' must be ${wanted}: current value is ${found}`,
  );
}
