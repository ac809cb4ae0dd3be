// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import { PermanentError, UnavailableError } from "../../consensus/errors.ts";
import type { ConsensusError } from "../../consensus/errors.ts";
import { abortable, onAbort } from "../../core/abortable.ts";
import type { Clock } from "../../core/clock.ts";
import { connectFault } from "./faults.ts";
import { BEGIN_SESSION, CHECK_SESSION, inRecovery, objectionTo, serverStateOf } from "./safety.ts";
import { Session } from "./session.ts";
import type { Row, SessionOptions } from "./session.ts";
import type { Target } from "./target.ts";

const logger = getLogger(["tsoracle", "drivers", "postgres"]);

/** Options of a {@linkcode Connector}. */
export interface ConnectorOptions extends Pick<SessionOptions, "certificates"> {
  /** The servers, at least one, in the order in which they are tried. */
  readonly targets: readonly Target[];
  /** The clock of deadlines. */
  readonly clock: Clock;
  /** Whether a primary may have replicas that do not confirm its commits. */
  readonly acceptAsynchronousReplication: boolean;
}

/** How a session is opened. */
export interface OpenOptions {
  /** Each of them gives up. */
  readonly signals: readonly AbortSignal[];
  /** How long a statement of the session waits for a lock, in milliseconds. */
  readonly lockTimeoutMs: number;
}

/** {@linkcode OpenOptions} with one signal for all. */
interface Attempt extends Omit<OpenOptions, "signals"> {
  readonly signal: AbortSignal;
}

/**
 * Opens sessions on the one server that is the primary. All sessions are on the same server: a read from an
 * old primary, beside writes to the new one, would not be linearized.
 */
export class Connector {
  readonly #options: ConnectorOptions;
  readonly #sessions = new Set<Session>();
  /** Where to try first. */
  #at = 0;
  /** Where the sessions are. */
  #home: number | undefined;
  /** The highest timeline that was met. */
  #timeline = 0;
  readonly #closing = new AbortController();

  /** Connects to nothing yet. */
  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  /**
   * Opens a session on the primary.
   *
   * @throws {UnavailableError} if none was found
   * @throws {PermanentError} if the primary cannot be relied on, or lets nobody in
   */
  async open({ signals, lockTimeoutMs }: OpenOptions): Promise<Session> {
    const over = new AbortController();
    const leave = [...signals, this.#closing.signal].map((end) => {
      if (end.aborted) over.abort(end.reason);
      return onAbort(end, () => over.abort(end.reason));
    });
    try {
      return await this.#openAny({ signal: over.signal, lockTimeoutMs });
    } finally {
      leave.forEach((run) => run());
    }
  }

  /**
   * Asks whether the server of a session still keeps what it acknowledges.
   *
   * @throws {PermanentError} if it does not
   */
  async check(session: Session): Promise<void> {
    const [row = {}] = await session.query(CHECK_SESSION);
    const refusal = this.#objectionTo(row);
    if (refusal !== undefined) throw refusal;
  }

  /**
   * A server did not answer: another one is tried first. It may have been promoted, while the old primary waits for
   * replicas that have left it.
   */
  suspect(session: Session): void {
    if (this.#sessions.has(session) && this.#at === this.#home) this.#advance(this.#at);
  }

  #advance(from: number): void {
    this.#at = (from + 1) % this.#options.targets.length;
  }

  async #openAny(options: Attempt): Promise<Session> {
    const { targets } = this.#options;
    const faults: ConsensusError[] = [];
    for (let left = targets.length; left > 0 && !options.signal.aborted; left--) {
      const at = this.#at;
      const target = targets[at];
      if (target === undefined) break;
      try {
        return await this.#try(target, at, options);
      } catch (error) {
        if (error instanceof UnsafeServer) throw error.refusal;
        faults.push(connectFault(error, addressOf(target)));
        // Another lane may have found the primary meanwhile.
        if (this.#at === at) this.#advance(at);
      }
    }
    throw sum(faults, options.signal);
  }

  /** Closes every session, and opens none any more. */
  async close(): Promise<void> {
    this.#closing.abort(new UnavailableError("the driver is closed"));
    await Promise.all([...this.#sessions].map((session) => session.close(this.#options.clock)));
  }

  async #try(target: Target, at: number, options: Attempt): Promise<Session> {
    const session = await Session.open(target, { ...this.#options, signal: options.signal });
    try {
      await this.#begin(session, target, options);
      this.#settle(at);
      this.#keep(session);
      return session;
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  async #begin(session: Session, target: Target, options: Attempt): Promise<void> {
    const address = addressOf(target);
    const lockTimeout = String(Math.ceil(options.lockTimeoutMs));
    const withdraw = onAbort(options.signal, () => session.destroy());
    try {
      const begun = session.query(BEGIN_SESSION, [lockTimeout]);
      const [row = {}] = await abortable(begun, options.signal);
      const { inRecovery: isStandby, timeline } = serverStateOf(row);
      if (isStandby) throw inRecovery(address);
      if (timeline < this.#timeline) throw outdated(address);
      const refusal = this.#objectionTo(row);
      if (refusal !== undefined) throw new UnsafeServer(refusal);
      if (timeline > this.#timeline) this.#home = undefined;
      this.#timeline = timeline;
    } finally {
      withdraw();
    }
  }

  #objectionTo(row: Row): PermanentError | undefined {
    return objectionTo(row, this.#options.acceptAsynchronousReplication);
  }

  /** Makes a server the home of all sessions. */
  #settle(at: number): void {
    this.#at = at;
    if (this.#home === at) return;
    for (const session of this.#sessions) session.destroy();
    this.#home = at;
    const { host, port } = this.#options.targets[at] ?? {};
    logger.info("PostgreSQL at {host}:{port} is the primary", { host, port });
  }

  #keep(session: Session): void {
    this.#sessions.add(session);
    session.ended.then(() => this.#sessions.delete(session));
  }
}

/** The primary was found and cannot be relied on: no other server can be better. */
class UnsafeServer extends Error {
  readonly refusal: PermanentError;

  constructor(refusal: PermanentError) {
    super(refusal.message);
    this.name = "UnsafeServer";
    this.refusal = refusal;
  }
}

/** Faults do not pass if none of them does: a standby that lets nobody in must not end a node whose primary is away. */
function sum(faults: readonly ConsensusError[], signal: AbortSignal): unknown {
  const [first] = faults;
  if (first === undefined) return signal.reason;
  if (faults.every((fault) => fault instanceof PermanentError)) return first;
  const messages = faults.map(({ message }) => message).join("; ");
  return new UnavailableError(messages, { cause: first });
}

function outdated(address: string): UnavailableError {
  return new UnavailableError(
    `Cannot use PostgreSQL at ${address} as another server was promoted since it was primary: stop it`,
  );
}

function addressOf({ host, port }: Target): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
