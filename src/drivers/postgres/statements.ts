// SPDX-License-Identifier: Apache-2.0

/**
 * The statements of the store. Each that writes is one statement, and so one transaction that never waits for its
 * client. Under READ COMMITTED an UPDATE that had to wait for the row judges its WHERE anew by what it then
 * finds: that is the fence. No statement asks the server what time it is.
 */

/** The channel that tells of take-overs and resignations; the payload is the name of the oracle. */
export const CHANNEL = "tsoracle";

const STANDING = "incarnation, term, beat, claim_id, endpoint, resigned";
const UNDER_TERM = "name = $1 and incarnation = $2 and term = $3";
const TELL = `pg_notify('${CHANNEL}', name)`;

/** The timeline of the server, which grows with each promotion. A server in recovery has none and fails. */
const TIMELINE = "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint";

/**
 * The least that a term or a beat may become, 0 on the first timeline. A promoted server may lack numbers that
 * its predecessor showed to somebody: counted on from, they would come again and mean something else.
 */
const FLOOR = `(${TIMELINE} - 1) * 4294967296`;
const NEXT_TERM = `greatest(term + 1, ${FLOOR})`;
const NEXT_BEAT = `greatest(beat + 1, ${FLOOR})`;

/** Who leads. */
export const READ_STANDING = `select ${STANDING} from tsoracle.state where name = $1`;

/** $2 to $4 are what was seen, $5 the id of the claim, $6 the endpoint. */
export const TAKE_OVER = `
with taken as (
  update tsoracle.state
  set term = ${NEXT_TERM}, beat = ${NEXT_BEAT}, claim_id = $5, endpoint = $6, resigned = false
  where ${UNDER_TERM} and (beat = $4 or resigned)
  returning name, ${STANDING}
)
select ${STANDING}, ${TELL} from taken`;

/** A sign of life. */
export const BEAT = `
update tsoracle.state set beat = ${NEXT_BEAT} where ${UNDER_TERM} returning beat`;

/** Marks a term as given up. */
export const RESIGN = `
with given as (
  update tsoracle.state set resigned = true where ${UNDER_TERM} returning name
)
select ${TELL} from given`;

/** The high-water. */
export const LOAD_HIGH_WATER = "select high_water from tsoracle.state where name = $1";

/** $4 is the least that it shall be. */
export const PERSIST_HIGH_WATER = `
update tsoracle.state set high_water = greatest(high_water, $4) where ${UNDER_TERM}
returning high_water`;

/** $2 is the key in hexadecimal digits. */
export const LOAD_SEQUENCE = `
select coalesce((
    select next from tsoracle.sequence as moved
    where moved.name = state.name and moved.key = decode($2, 'hex')
  ), 0) as next
from tsoracle.state as state where state.name = $1`;

/** At least one row, whose key is null if there are no sequences. */
export const READ_SEQUENCES = `
select sequence_version, sequence_operation, encode(moved.key, 'hex') as key, moved.next
from tsoracle.state as state
left join tsoracle.sequence as moved on moved.name = state.name
where state.name = $1`;

/** $4 is the version to replace, $5 the id of the operation, $6 and $7 the keys and their next ordinals. */
export const WRITE_SEQUENCES = `
with fence as (
  update tsoracle.state
  set sequence_version = sequence_version + 1, sequence_operation = $5
  where ${UNDER_TERM} and sequence_version = $4
  returning name, sequence_version
), moved as (
  insert into tsoracle.sequence as sequence (name, key, next)
  select fence.name, decode(given.key, 'hex'), given.next
  from fence, unnest($6::text[], $7::numeric[]) as given (key, next)
  on conflict (name, key) do update set next = excluded.next
)
select sequence_version as version from fence`;

/** All leases, as one record. */
export const READ_LEASES = `
select lease_version as version, encode(leases, 'hex') as leases
from tsoracle.state where name = $1`;

/** $4 is the version to replace, $5 the record in hexadecimal digits. */
export const WRITE_LEASES = `
update tsoracle.state set lease_version = lease_version + 1, leases = decode($5, 'hex')
where ${UNDER_TERM} and lease_version = $4
returning lease_version as version`;

/** $2 is the least that the high-water shall be, and the incarnation, which a backup knows of no earlier restore of it. */
export const RESTORE = `
with restored as (
  update tsoracle.state
  set incarnation = greatest(incarnation + 1, $2), term = 0, beat = beat + 1, claim_id = null, endpoint = null,
    resigned = false, high_water = greatest(high_water, $2)
  where name = $1
  returning name, incarnation, high_water
)
select incarnation, high_water, ${TELL} from restored`;
