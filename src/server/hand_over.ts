// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import { abortable, onAbort, orAborted } from "../core/abortable.ts";
import type { ConsensusDriver } from "../consensus/driver.ts";
import type { Clock } from "../core/clock.ts";
import { formatEndpoint } from "../core/endpoint.ts";
import { LONGEST_TIMER_MS } from "../core/timer_limit.ts";
import type { OracleSettings } from "./options.ts";
import type { Sequences } from "./sequences.ts";
import type { ServingState } from "./serving.ts";
import type { ServingCore } from "./serving_core.ts";

const logger = getLogger(["tsoracle", "server"]);

/** Options of `Oracle.handOver`. */
export interface HandOverOptions {
  /** Fires when nobody wants to wait for a successor any more. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long it may take, in milliseconds, 1 or more: calls of sequences under way have half of it to finish, and the
   * wait for a successor the rest.
   *
   * @default {5_000}
   */
  readonly limitMs?: number;
}

/** What {@linkcode handOver} works with. */
export interface HandOverParts {
  /** Checked settings of the oracle. */
  readonly settings: OracleSettings;
  /** Leadership and published state. */
  readonly core: ServingCore;
  /** Calls whose outcome is to be known before the resignation is written. */
  readonly sequences: Sequences;
  /** The stop of the oracle, which ends the wait. */
  readonly stop: AbortSignal;
}

type Resign = NonNullable<ConsensusDriver["resign"]>;

/** Limits of a hand-over: it is over when the signal fires. */
interface Limits {
  readonly clock: Clock;
  readonly limitMs: number;
  readonly over: AbortSignal;
}

/**
 * Gives the leadership up for good: stops granting in this turn, lets calls of sequences finish, resigns, and waits
 * until the published state names the successor. Whatever fails on the way is logged; the end of the leadership
 * stands.
 *
 * @returns whether a successor is known
 * @throws {RangeError} if the limit is out of its range
 */
export async function handOver(options: HandOverOptions, parts: HandOverParts): Promise<boolean> {
  const { limitMs = 5_000, signal } = options;
  checkLimit(limitMs);
  const { settings: { driver, clock }, core, stop } = parts;
  if (driver.resign === undefined || stop.aborted) return false;
  const { epoch } = core.allocator;
  core.retire();
  if (epoch !== undefined) logger.info("handing over the leadership", { epoch: String(epoch) });
  const over = new AbortController();
  const leave = [stop, ...(signal === undefined ? [] : [signal])].map((each) =>
    endWith(each, over)
  );
  const timer = new AbortController();
  clock.delay(limitMs, { signal: timer.signal }).then(() => over.abort(), () => {});
  try {
    await giveUp(driver.resign.bind(driver), parts, { clock, limitMs, over: over.signal });
  } finally {
    timer.abort();
    for (const stopListening of leave) stopListening();
  }
  if (epoch !== undefined) report(core.state, epoch);
  return namesLeader(core.state);
}

async function giveUp(resign: Resign, parts: HandOverParts, limits: Limits): Promise<void> {
  const { core, sequences } = parts;
  const { over: signal } = limits;
  await settle(sequences.drain(), limits);
  try {
    // A driver that hangs is left alone once the signal fires.
    if (await abortable(resign({ signal }), signal)) await untilLeaderKnown(core, signal);
  } catch (error) {
    if (!signal.aborted) logger.warn("the driver could not resign: {error}", { error });
  }
}

/** Lets a signal that may have fired already end a wait. */
function endWith(signal: AbortSignal, over: AbortController): () => void {
  if (signal.aborted) over.abort();
  return onAbort(signal, () => over.abort());
}

/** Waits for work that never rejects, but leaves half of the time for what comes after it. */
async function settle(work: Promise<void>, { clock, limitMs, over }: Limits): Promise<void> {
  const end = new AbortController();
  const leave = endWith(over, end);
  void work.then(() => end.abort());
  await orAborted(clock.delay(limitMs / 2, { signal: end.signal }), end.signal);
  leave();
}

/** The driver may know before its event has come through the stream. */
async function untilLeaderKnown(core: ServingCore, signal: AbortSignal): Promise<void> {
  for await (const state of core.watch(signal)) {
    if (namesLeader(state)) return;
  }
}

function namesLeader(state: ServingState): boolean {
  if (state.kind === "serving") return false;
  return state.leaderEndpoint !== undefined || state.leaderEpoch !== undefined;
}

function report(state: ServingState, epoch: bigint): void {
  if (state.kind === "serving" || !namesLeader(state)) {
    logger.warn("no successor is known; another node leads once it can", { epoch: String(epoch) });
    return;
  }
  const { leaderEndpoint, leaderEpoch } = state;
  logger.info("handed over", {
    epoch: String(epoch),
    leader: leaderEndpoint === undefined ? null : formatEndpoint(leaderEndpoint),
    leader_epoch: leaderEpoch === undefined ? null : String(leaderEpoch),
  });
}

function checkLimit(limitMs: number): void {
  if (Number.isInteger(limitMs) && limitMs >= 1 && limitMs <= LONGEST_TIMER_MS) return;
  throw new RangeError(
    `Cannot hand over as 'limitMs' must be a whole number of milliseconds from 1 to ${LONGEST_TIMER_MS}: current value is ${limitMs}`,
  );
}
