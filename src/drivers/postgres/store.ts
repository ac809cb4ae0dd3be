// SPDX-License-Identifier: Apache-2.0

import { FencedError, NotLeaderError } from "../../consensus/errors.ts";
import { formatEndpoint } from "../../core/endpoint.ts";
import type { Clock } from "../../core/clock.ts";
import { epochToHalves } from "../../core/epoch.ts";
import type { Epoch } from "../../core/epoch.ts";
import { encodeLeaseRecord } from "../records/lease_record.ts";
import type {
  Claim,
  ClusterStore,
  LeaseWrite,
  RestoredStore,
  SequenceWrite,
  Standing,
  StandingNews,
  StoreCallOptions,
  StoredLeases,
  StoredSequences,
  SwapOutcome,
} from "../cluster/store.ts";
import { Connector } from "./connector.ts";
import type { ConnectorOptions } from "./connector.ts";
import { Lane } from "./lane.ts";
import {
  bigintOf,
  epochColumns,
  hexOfBytes,
  hexOfKey,
  highWaterOf,
  keyOfHex,
  leasesOf,
  standingOf,
  textOf,
} from "./rows.ts";
import { missingState, prepareSchema } from "./schema.ts";
import type { Parameter, Row, Session } from "./session.ts";
import { watchStanding } from "./standing_watch.ts";
import * as statements from "./statements.ts";

/** Options of a {@linkcode PostgresStore}. */
export interface PostgresStoreOptions extends ConnectorOptions {
  /** The name of the oracle: several can be in one database. */
  readonly name: string;
  /** How often a watch reads, in milliseconds. */
  readonly pollMs: number;
  /** How often a watch asks whether the server still keeps what it acknowledges, in milliseconds. */
  readonly checkMs: number;
  /** How long one read of a watch may take, in milliseconds. */
  readonly watchTimeoutMs: number;
}

/** The store of an oracle in a database of PostgreSQL (docs/engines.md). */
export class PostgresStore implements ClusterStore {
  readonly #options: PostgresStoreOptions;
  readonly #connector: Connector;
  /** Heartbeats must not wait for answers to data, nor one kind of data for another. On the server writes share one row. */
  readonly #lanes: Readonly<Record<"term" | "reads" | "highWater" | "sequences" | "leases", Lane>>;

  /** Connects to nothing yet. */
  constructor(options: PostgresStoreOptions) {
    this.#options = options;
    this.#connector = new Connector(options);
    const lane = (clock: Clock) => new Lane(this.#connector, clock);
    this.#lanes = {
      term: lane(options.clock),
      reads: lane(options.clock),
      highWater: lane(options.clock),
      sequences: lane(options.clock),
      leases: lane(options.clock),
    };
  }

  /** Makes tables and row, unless they exist. */
  prepare(options: StoreCallOptions): Promise<void> {
    return this.#lanes.reads.run((session) => prepareSchema(session, this.#options.name), options);
  }

  /** The leadership as it is. */
  readStanding(options: StoreCallOptions): Promise<Standing> {
    return this.#lanes.reads.run((session) => this.#standing(session), options);
  }

  /** Changes of the leadership. */
  watchStanding({ signal }: { readonly signal: AbortSignal }): AsyncIterable<StandingNews> {
    const { clock, pollMs, checkMs, watchTimeoutMs: timeoutMs } = this.#options;
    const connector = this.#connector;
    const read = (session: Session) => this.#standing(session);
    const keepReady = () => {
      for (const lane of Object.values(this.#lanes)) void lane.keepReady({ timeoutMs });
    };
    return watchStanding({ connector, clock, pollMs, checkMs, timeoutMs, keepReady, read, signal });
  }

  /** Begins a new term. */
  async takeOver(
    seen: Standing,
    claim: Claim,
    options: StoreCallOptions,
  ): Promise<Standing | undefined> {
    const number = seen.term === undefined ? 0n : epochToHalves(seen.term.epoch).lo;
    const values = [String(seen.incarnation), String(number), seen.beat];
    const claimed = [claim.id, formatEndpoint(claim.endpoint)];
    const rows = await this.#lanes.term.run(
      (session) => this.#query(session, statements.TAKE_OVER, [...values, ...claimed]),
      options,
    );
    const [row] = rows;
    return row === undefined ? undefined : standingOf(row);
  }

  /** Writes a sign of life. */
  async beat(epoch: Epoch, options: StoreCallOptions): Promise<void> {
    const work = (session: Session) => this.#write(session, statements.BEAT, { epoch });
    await this.#lanes.term.run(work, options);
  }

  /** Gives a term up. */
  async resign(epoch: Epoch, options: StoreCallOptions): Promise<void> {
    const columns = epochColumns(epoch);
    if (columns === undefined) return;
    const values = [columns.incarnation, columns.term];
    const work = (session: Session) => this.#query(session, statements.RESIGN, values);
    await this.#lanes.term.run(work, options);
  }

  /** The high-water. */
  loadHighWater(options: StoreCallOptions): Promise<number> {
    return this.#lanes.reads.run(async (session) => {
      return highWaterOf(await this.#row(session, statements.LOAD_HIGH_WATER));
    }, options);
  }

  /** Raises the high-water. */
  persistHighWater(atLeastMs: number, epoch: Epoch, options: StoreCallOptions): Promise<number> {
    return this.#lanes.highWater.run(async (session) => {
      const write = { epoch, values: [String(atLeastMs)] };
      return highWaterOf(await this.#write(session, statements.PERSIST_HIGH_WATER, write));
    }, options);
  }

  /** The next ordinal of one sequence. */
  loadSequence(key: string, options: StoreCallOptions): Promise<bigint> {
    return this.#lanes.reads.run(async (session) => {
      return bigintOf(await this.#row(session, statements.LOAD_SEQUENCE, [hexOfKey(key)]), "next");
    }, options);
  }

  /** All sequences. */
  readSequences(options: StoreCallOptions): Promise<StoredSequences> {
    return this.#lanes.sequences.run(async (session) => {
      const rows = await this.#query(session, statements.READ_SEQUENCES);
      return this.#sequences(rows);
    }, options);
  }

  /** Moves counters. */
  writeSequences(
    write: SequenceWrite,
    epoch: Epoch,
    options: StoreCallOptions,
  ): Promise<SwapOutcome> {
    const keys = [...write.moved.keys()].map(hexOfKey);
    const next = [...write.moved.values()].map(String);
    const values = [write.version, write.operationId, keys, next];
    return this.#lanes.sequences.run(
      (session) => this.#swap(session, statements.WRITE_SEQUENCES, { epoch, values }),
      options,
    );
  }

  /** All leases. */
  readLeases(options: StoreCallOptions): Promise<StoredLeases> {
    return this.#lanes.leases.run(async (session) => {
      const row = await this.#row(session, statements.READ_LEASES);
      return { version: textOf(row, "version"), leases: leasesOf(row) };
    }, options);
  }

  /** Replaces all leases. */
  async writeLeases(
    write: LeaseWrite,
    epoch: Epoch,
    options: StoreCallOptions,
  ): Promise<SwapOutcome> {
    const values = [write.version, hexOfBytes(encodeLeaseRecord(write.leases))];
    return await this.#lanes.leases.run(
      (session) => this.#swap(session, statements.WRITE_LEASES, { epoch, values }),
      options,
    );
  }

  /** Raises the incarnation and the high-water. */
  restore(atLeastMs: number, options: StoreCallOptions): Promise<RestoredStore> {
    return this.#lanes.reads.run(async (session) => {
      const row = await this.#row(session, statements.RESTORE, [String(atLeastMs)]);
      return { incarnation: bigintOf(row, "incarnation"), highWaterMs: highWaterOf(row) };
    }, options);
  }

  /** Closes all sessions. */
  async close(): Promise<void> {
    await this.#connector.close();
    await Promise.all(Object.values(this.#lanes).map((lane) => lane.settled()));
  }

  /** Puts the name in front of the parameters. */
  #query(
    session: Session,
    statement: string,
    values: readonly Parameter[] = [],
  ): Promise<readonly Row[]> {
    return session.query(statement, [this.#options.name, ...values]);
  }

  /** A statement that finds the row of the oracle in any case. */
  async #row(
    session: Session,
    statement: string,
    values: readonly Parameter[] = [],
  ): Promise<Row> {
    const [row] = await this.#query(session, statement, values);
    if (row === undefined) throw missingState(this.#options.name);
    return row;
  }

  async #standing(session: Session): Promise<Standing> {
    return standingOf(await this.#row(session, statements.READ_STANDING));
  }

  /** A write under a term. Nothing was written if it finds no row of that term. */
  async #write(session: Session, statement: string, write: TermWrite): Promise<Row> {
    const row = await this.#tryWrite(session, statement, write);
    if (row !== undefined) return row;
    throw await this.#objection(session, write.epoch) ??
      new FencedError(write.epoch);
  }

  /** A write under a term that also depends on a version. */
  async #swap(session: Session, statement: string, write: TermWrite): Promise<SwapOutcome> {
    const row = await this.#tryWrite(session, statement, write);
    if (row !== undefined) return { kind: "written", version: textOf(row, "version") };
    const objection = await this.#objection(session, write.epoch);
    if (objection !== undefined) throw objection;
    return { kind: "conflict" };
  }

  async #tryWrite(
    session: Session,
    statement: string,
    { epoch, values = [] }: TermWrite,
  ): Promise<Row | undefined> {
    const columns = epochColumns(epoch);
    if (columns === undefined) return undefined;
    const { incarnation, term } = columns;
    const [row] = await this.#query(session, statement, [incarnation, term, ...values]);
    return row;
  }

  /** Why a write under a term has found nothing; `undefined` if the term is still the latest. */
  async #objection(
    session: Session,
    epoch: Epoch,
  ): Promise<FencedError | NotLeaderError | undefined> {
    const { term } = await this.#standing(session);
    if (term === undefined) return new NotLeaderError("nobody leads since the store was restored");
    return term.epoch === epoch ? undefined : new FencedError(epoch, term.epoch);
  }

  #sequences(rows: readonly Row[]): StoredSequences {
    const [first] = rows;
    if (first === undefined) throw missingState(this.#options.name);
    const counters = new Map<string, bigint>();
    for (const row of rows) {
      const { key } = row;
      if (typeof key === "string") counters.set(keyOfHex(key), bigintOf(row, "next"));
    }
    const operationId = first["sequence_operation"] ?? undefined;
    return { version: textOf(first, "sequence_version"), operationId, counters };
  }
}

/** A write under a term, with the parameters behind the term. */
interface TermWrite {
  readonly epoch: Epoch;
  readonly values?: readonly Parameter[];
}
