// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import { ConsensusError, PermanentError } from "../../consensus/errors.ts";
import { abortable, orAborted } from "../../core/abortable.ts";
import type { Clock } from "../../core/clock.ts";
import { deferred } from "../../core/deferred.ts";
import type { Standing, StandingNews } from "../cluster/store.ts";
import { CallDeadline } from "./call_deadline.ts";
import type { Connector } from "./connector.ts";
import type { Session } from "./session.ts";
import { CHANNEL } from "./statements.ts";

const logger = getLogger(["tsoracle", "drivers", "postgres"]);

/** What a {@linkcode watchStanding} needs. */
export interface StandingWatchOptions {
  /** Opens the session of the watch. */
  readonly connector: Connector;
  /** The clock of waits. */
  readonly clock: Clock;
  /** How often the standing is read, in milliseconds. */
  readonly pollMs: number;
  /** How often it is asked whether the server keeps what it acknowledges, in milliseconds. */
  readonly checkMs: number;
  /** How long one read may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Called once the watch has a session, and with each check: who stands by has to be ready to lead. */
  readonly keepReady: () => void;
  /** Reads the standing. */
  readonly read: (session: Session) => Promise<Standing>;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/**
 * Watches the leadership on a session of its own: it reads at an interval, and at once when it is told of a
 * take-over or a resignation. Being told makes it quicker and is not relied on. A watch that is lost is a gap, and so is its
 * new beginning.
 *
 * @throws the signal's reason, or {@linkcode PermanentError} if the server can no longer be relied on
 */
export async function* watchStanding(options: StandingWatchOptions): AsyncGenerator<StandingNews> {
  const { signal } = options;
  let cause: unknown = "the watch begins";
  for (;;) {
    const session = await openAgain(options);
    try {
      const bell = await listen(session, options);
      options.keepReady();
      yield { kind: "gap", cause };
      yield* changes(session, bell, options);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ConsensusError) || error instanceof PermanentError) throw error;
      cause = error;
      logger.debug("the watch of the leadership was lost: {cause}", { cause });
    } finally {
      session.destroy();
    }
    // Told at once, as the silence of a leader that is not watched means nothing, and again once it is watched.
    yield { kind: "gap", cause };
  }
}

async function* changes(
  session: Session,
  bell: Bell,
  options: StandingWatchOptions,
): AsyncGenerator<StandingNews, never> {
  const { connector, clock, checkMs } = options;
  let known: string | undefined;
  let checkedMs = clock.monotonicMs();
  for (;;) {
    const rung = bell.next();
    if (clock.monotonicMs() - checkedMs >= checkMs) {
      await timely(() => connector.check(session), options);
      checkedMs = clock.monotonicMs();
      options.keepReady();
    }
    const standing = await timely(() => options.read(session), options);
    const { incarnation, beat, resigned } = standing;
    const now = `${incarnation} ${beat} ${resigned}`;
    if (now !== known) yield { kind: "standing", standing };
    known = now;
    await pause(rung, options);
  }
}

/** Tries to connect until it succeeds. What stands in the way is told by the calls of the store, too. */
async function openAgain(options: StandingWatchOptions): Promise<Session> {
  const { connector, clock, pollMs, timeoutMs, signal } = options;
  for (;;) {
    signal.throwIfAborted();
    const deadline = new CallDeadline(clock, timeoutMs);
    const signals = [deadline.late, signal];
    try {
      return await connector.open({ signals, lockTimeoutMs: timeoutMs });
    } catch (cause) {
      signal.throwIfAborted();
      logger.debug("cannot watch the leadership: {cause}", { cause });
    } finally {
      deadline.end();
    }
    await clock.delay(pollMs, { signal });
  }
}

async function listen(session: Session, options: StandingWatchOptions): Promise<Bell> {
  const bell = new Bell();
  session.onNotification(() => bell.ring());
  session.ended.then(() => bell.ring());
  await timely(() => session.query(`listen ${CHANNEL}`), options);
  return bell;
}

/** Carries a statement out, or gives the session up once it has taken too long. */
async function timely<T>(
  statement: () => Promise<T>,
  { clock, timeoutMs, signal }: StandingWatchOptions,
): Promise<T> {
  const deadline = new CallDeadline(clock, timeoutMs);
  try {
    return await abortable(abortable(statement(), deadline.late), signal);
  } finally {
    deadline.end();
  }
}

/** Waits until the bell rings, but no longer than one interval. */
async function pause(
  rung: Promise<void>,
  { clock, pollMs, signal }: StandingWatchOptions,
): Promise<void> {
  const woken = new AbortController();
  rung.then(() => woken.abort());
  const wait = clock.delay(pollMs, { signal: woken.signal });
  await abortable(orAborted(wait, woken.signal), signal).finally(() => woken.abort());
}

/** Tells one waiter that something has happened since it began to wait. */
class Bell {
  #next = deferred<void>();

  /** Settles with the next ring. */
  next(): Promise<void> {
    return this.#next.promise;
  }

  /** Wakes who waits. */
  ring(): void {
    this.#next.resolve();
    this.#next = deferred<void>();
  }
}
