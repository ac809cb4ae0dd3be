// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { LeadershipEvent } from "../../consensus/driver.ts";
import { eventEpoch } from "../../consensus/event_epoch.ts";
import { EPOCH_MAX } from "../../core/epoch.ts";
import type { Epoch } from "../../core/epoch.ts";
import { isOf } from "./driver_check.ts";
import type { DriverCheck } from "./driver_check.ts";
import { isReady } from "./event_reader.ts";
import type { LeadershipWatch } from "./leadership_watch.ts";
import { tryUntil } from "./patience.ts";

/** The promises about the stream of leadership events. */
export const EVENT_CHECKS: readonly DriverCheck[] = [
  {
    id: "events-first-is-ready",
    title: "leadershipEvents() has the current state ready",
    needs: [],
    run: async (trial) => {
      const reader = trial.read();
      const first = reader.next();
      assert.ok(await isReady(first), "the first event had to be waited for");
      assert.ok((await first).value !== undefined, "the stream ended without an event");
      await reader.stop();
    },
  },
  {
    id: "events-stay-open",
    title: "leadershipEvents() does not end before its signal fires",
    needs: [],
    run: async (trial) => {
      const { driver } = trial;
      const watch = trial.watch();
      for (let wantedMs = 1; wantedMs <= 5; wantedMs++) {
        await driver.persistHighWater(wantedMs, await trial.lead());
        await driver.loadHighWater();
        if (watch.fault !== undefined) throw watch.fault;
      }
    },
  },
  {
    id: "events-end-by-signal",
    title: "leadershipEvents() ends when its signal fires, also while an event is waited for",
    needs: [],
    run: async (trial) => {
      const reader = trial.read();
      await reader.leader();
      await reader.stop(reader.next());
    },
  },
  {
    id: "events-end-when-signal-has-fired",
    title: "leadershipEvents() ends at once when its signal has fired before",
    needs: [],
    run: async (trial) => {
      const reader = trial.read({ isOver: true });
      await reader.stop();
    },
  },
  {
    id: "events-begin-anew",
    title: "leadershipEvents() begins with the current state again for the next consumer",
    needs: [],
    run: async (trial) => {
      const before = trial.read();
      const { epoch } = await before.leader();
      await before.stop();
      const reader = trial.read();
      const first = reader.next();
      assert.ok(await isReady(first), "the first event of the second stream had to be waited for");
      const { done, value } = await first;
      assert.ok(!done, "the second stream ended without an event");
      const again = value.kind === "leader" ? value : await reader.leader();
      assert.ok(again.epoch >= epoch, `epoch ${again.epoch} came after ${epoch}`);
      await reader.stop();
    },
  },
  {
    id: "events-one-consumer",
    title: "leadershipEvents() gives every event to the consumer of now, none to one that has left",
    needs: ["supersede"],
    run: async (trial) => {
      const left = trial.read();
      await left.leader();
      await left.stop(left.next());
      const { epoch } = await trial.watch().leader();
      await trial.supersede();
      await trial.watch().until((event) => isOver(event, epoch));
    },
  },
  {
    id: "events-undivided",
    title:
      "leadershipEvents() refuses a second consumer while one reads, or gives every event to both",
    needs: ["supersede"],
    run: async (trial) => {
      const watch = trial.watch();
      const { epoch } = await watch.leader();
      const beside = trial.watchBeside();
      const isRefused = await isRefusal(beside);
      await trial.supersede();
      await watch.until((event) => isOver(event, epoch));
      if (isRefused) return;
      await beside.until((event) => isOver(event, epoch));
      await tryUntil(() => Promise.resolve(sayTheSame(watch, beside)), { signal: trial.ended });
    },
  },
  {
    id: "events-epochs-never-go-back",
    title: "leadershipEvents() reports epochs of 128 bits, and never an older one",
    needs: ["supersede"],
    run: async (trial) => {
      const watch = trial.watch();
      const { epoch } = await watch.leader();
      await trial.supersede();
      await watch.until((event) => event.kind !== "leader" || event.epoch !== epoch);
      checkOrder(watch.events);
    },
  },
];

/** Whether an event says that the term of an epoch has ended for this node. */
function isOver(event: LeadershipEvent, epoch: Epoch): boolean {
  return event.kind !== "leader" || event.epoch > epoch;
}

/** Whether a stream was refused, rather than begun. */
async function isRefusal(watch: LeadershipWatch): Promise<boolean> {
  try {
    await watch.until(() => true);
    return false;
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    assert.ok(isOf("permanent")(cause), `a second stream was refused by ${cause}`);
    return true;
  }
}

/** Whether two streams have come to the same state: each may leave out what did not last. */
function sayTheSame({ latest }: LeadershipWatch, { latest: other }: LeadershipWatch): boolean {
  if (latest === undefined || other === undefined) return false;
  return latest.kind === other.kind && eventEpoch(latest) === eventEpoch(other);
}

function checkOrder(events: readonly LeadershipEvent[]): void {
  let newest: Epoch = 0n;
  for (const epoch of events.map(eventEpoch)) {
    if (epoch === undefined) continue;
    assert.ok(epoch >= 0n && epoch <= EPOCH_MAX, `epoch ${epoch} does not fit 128 bits`);
    assert.ok(epoch >= newest, `epoch ${epoch} came after ${newest}`);
    newest = epoch;
  }
}
