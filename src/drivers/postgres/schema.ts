// SPDX-License-Identifier: Apache-2.0

import { PermanentError } from "../../consensus/errors.ts";
import { FIRST_INCARNATION } from "../cluster/store.ts";
import type { Session } from "./session.ts";

/** The format of the tables that this release reads and writes. */
const FORMAT = 1;

/** Any number; who makes the tables holds it, so that nodes that start together do not collide. */
const MAKER_LOCK = "8386103219372515941";

/**
 * One statement, and so one transaction, whatever happens to the node meanwhile. The catalogue is read by queries:
 * functions like `to_regclass` may answer from before the wait for the lock. `beat` and `term` change with each
 * heartbeat and take-over: room is left in the page so that no index entry is made for it.
 */
const CREATE = `
do $tsoracle$
begin
  perform pg_advisory_xact_lock(${MAKER_LOCK});
  if exists (select from pg_tables where schemaname = 'tsoracle' and tablename = 'meta') then
    return;
  end if;
  if not exists (select from pg_namespace where nspname = 'tsoracle') then
    create schema tsoracle;
  end if;
  create table tsoracle.meta (format integer not null);
  create table tsoracle.oracle (name text primary key);
  create table tsoracle.state (
    name text primary key,
    incarnation bigint not null default ${FIRST_INCARNATION},
    term bigint not null default 0,
    beat bigint not null default 0,
    claim_id text,
    endpoint text,
    resigned boolean not null default false,
    high_water bigint not null default 0,
    sequence_version bigint not null default 0,
    sequence_operation text,
    lease_version bigint not null default 0,
    leases bytea
  ) with (fillfactor = 40);
  create table tsoracle.sequence (
    name text not null,
    key bytea not null,
    next numeric(20) not null,
    primary key (name, key)
  ) with (fillfactor = 80);
  insert into tsoracle.meta (format) values (${FORMAT});
end
$tsoracle$`;

/** The row of a name is made together with the note that it exists, and never again. */
const ADD_ORACLE = `
with noted as (
  insert into tsoracle.oracle (name) values ($1) on conflict do nothing returning name
)
insert into tsoracle.state (name) select name from noted`;

/**
 * Makes the tables and the row of an oracle, unless they exist.
 *
 * @throws {PermanentError} if they are of a later release, or part of them is missing
 */
export async function prepareSchema(session: Session, name: string): Promise<void> {
  const [found] = await session.query("select to_regclass('tsoracle.meta') is not null as made");
  if (found?.["made"] !== "t") await session.query(CREATE);
  await checkFormat(session);
  await session.query(ADD_ORACLE, [name]);
  const rows = await session.query("select name from tsoracle.state where name = $1", [name]);
  if (rows.length === 0) throw missingState(name);
}

/** The row of an oracle has been there and is gone: to begin anew would repeat timestamps. */
export function missingState(name: string): PermanentError {
  return new PermanentError(
    `Cannot find the row '${name}' of tsoracle.state, which was there: restore it from a backup (docs/engines.md)`,
  );
}

async function checkFormat(session: Session): Promise<void> {
  const rows = await session.query("select format from tsoracle.meta");
  const format = rows.length === 1 ? rows[0]?.["format"] : undefined;
  if (format === String(FORMAT)) return;
  throw new PermanentError(
    format === undefined || format === null
      ? `Cannot use the schema 'tsoracle' as its table 'meta' must have one row: it has ${rows.length}`
      : `Cannot use the schema 'tsoracle' as its format is ${format} and this release knows ${FORMAT}: start the release that wrote it`,
  );
}
