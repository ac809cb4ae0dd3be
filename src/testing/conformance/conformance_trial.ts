// SPDX-License-Identifier: Apache-2.0

import { SystemClock } from "../../clock/system_clock.ts";
import type { ConsensusDriver } from "../../consensus/driver.ts";
import type { Epoch } from "../../core/epoch.ts";
import type { DriverCheck, DriverTrial, SequenceStoreContent } from "./driver_check.ts";
import type { DriverHarness } from "./driver_harness.ts";
import { EventReader } from "./event_reader.ts";
import { LeadershipWatch } from "./leadership_watch.ts";
import { within } from "./patience.ts";

const SYSTEM_CLOCK = new SystemClock();

/**
 * Tries a check on a driver of its own.
 *
 * @throws {Error} if the promise was not kept, or the harness failed
 */
export async function tryCheck<D extends ConsensusDriver>(
  check: DriverCheck,
  harness: DriverHarness<D>,
): Promise<void> {
  const { patienceMs = 60_000 } = harness;
  const trial = new ConformanceTrial(harness, await harness.open());
  try {
    await within(check.run(trial), patienceMs);
  } catch (error) {
    // What a broken driver does when it is closed must not hide what it broke.
    await within(trial.close(), patienceMs).catch(() => {});
    throw error;
  }
  await within(trial.close(), patienceMs);
}

class ConformanceTrial<D extends ConsensusDriver> implements DriverTrial {
  readonly #harness: DriverHarness<D>;
  readonly #ended = new AbortController();
  readonly #readers: EventReader[] = [];
  readonly #watches = new Map<ConsensusDriver, LeadershipWatch>();
  readonly #watchesBeside: LeadershipWatch[] = [];
  readonly #standbys = new Map<ConsensusDriver, D>();
  readonly #silences = new Set<() => Promise<void>>();
  #driver: D;

  constructor(harness: DriverHarness<D>, driver: D) {
    this.#harness = harness;
    this.#driver = driver;
  }

  get driver(): ConsensusDriver {
    return this.#driver;
  }

  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  monotonicMs(): number {
    return (this.#harness.clock ?? SYSTEM_CLOCK).monotonicMs();
  }

  read({ isOver = false }: { readonly isOver?: boolean } = {}): EventReader {
    const reader = new EventReader(this.#driver, isOver);
    this.#readers.push(reader);
    return reader;
  }

  watch(driver: ConsensusDriver = this.#driver): LeadershipWatch {
    const known = this.#watches.get(driver);
    if (known !== undefined) return known;
    const watch = new LeadershipWatch(driver);
    this.#watches.set(driver, watch);
    return watch;
  }

  watchBeside(): LeadershipWatch {
    const watch = new LeadershipWatch(this.#driver);
    this.#watchesBeside.push(watch);
    return watch;
  }

  async lead(): Promise<Epoch> {
    return (await this.watch().leader()).epoch;
  }

  async reopen(): Promise<void> {
    await this.#stopWatching(this.#driver);
    this.#driver = await this.#hook("reopen")(this.#driver);
  }

  async openWith(content: SequenceStoreContent): Promise<void> {
    const openWith = this.#hook("openWith");
    await this.#close(this.#driver);
    this.#driver = await openWith(content);
  }

  async supersede(): Promise<void> {
    await this.#hook("supersede")(this.#driver);
  }

  async standby(): Promise<ConsensusDriver> {
    const standby = await this.#hook("standby")(this.#driver);
    this.#standbys.set(standby, standby);
    return standby;
  }

  async closeStandby(standby: ConsensusDriver): Promise<void> {
    const known = this.#standbys.get(standby);
    if (known === undefined) return;
    this.#standbys.delete(standby);
    await this.#close(known);
  }

  async silence(): Promise<() => Promise<void>> {
    const speak = await this.#hook("silence")(this.#driver);
    this.#silences.add(speak);
    return async () => {
      if (this.#silences.delete(speak)) await speak();
    };
  }

  async fault(): Promise<void> {
    await this.#hook("fault")(this.#driver);
  }

  async close(): Promise<void> {
    this.#ended.abort(new DOMException("the trial is over", "AbortError"));
    for (const reader of this.#readers) reader.abandon();
    for (const speak of this.#silences) await speak();
    for (const watch of this.#watchesBeside) await watch.stop();
    for (const standby of this.#standbys.values()) await this.#close(standby);
    await this.#close(this.#driver);
  }

  async #close(driver: D): Promise<void> {
    await this.#stopWatching(driver);
    await this.#harness.close(driver);
  }

  async #stopWatching(driver: ConsensusDriver): Promise<void> {
    await this.#watches.get(driver)?.stop();
    this.#watches.delete(driver);
  }

  /** A hook that the check needs, so that the harness has it. */
  #hook<K extends "reopen" | "openWith" | "supersede" | "standby" | "silence" | "fault">(name: K) {
    const hook = this.#harness[name];
    if (hook === undefined) throw new TypeError(`the harness has no '${name}'`);
    return hook;
  }
}
