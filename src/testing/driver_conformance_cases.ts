// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { AdvanceOutOfRangeError, ConsensusError } from "../consensus/errors.ts";
import { PHYSICAL_MS_MAX } from "../core/timestamp.ts";
import { isFenced } from "./conformance_case.ts";
import type { ConformanceCase } from "./conformance_case.ts";
import { EventReader, isReady, leaderEpoch } from "./event_reader.ts";
import { settle } from "./manual_clock.ts";
import { eventEpoch } from "../consensus/event_epoch.ts";

/** The promises of the driver contract that can be tried from outside. */
export const CONFORMANCE_CASES: readonly ConformanceCase[] = [
  {
    title: "leadershipEvents() has the current state ready",
    run: async ({ driver }) => {
      const reader = new EventReader(driver);
      const first = reader.next();
      assert.ok(await isReady(first), "the first event had to be waited for");
      assert.ok((await first).value !== undefined, "the stream ended without an event");
      await reader.stop();
    },
  },
  {
    title: "leadershipEvents() stays open until its signal fires, then ends",
    run: async ({ driver }) => {
      const reader = new EventReader(driver);
      await reader.next();
      const pending = reader.next();
      assert.ok(!await isReady(pending) || !(await pending).done, "the stream ended by itself");
      await reader.stop(pending);
    },
  },
  {
    title: "leadershipEvents() ends at once when its signal has fired before",
    run: async ({ driver }) => {
      const reader = new EventReader(driver);
      await reader.stop();
    },
  },
  {
    title: "leadershipEvents() begins anew for the next consumer",
    run: async ({ driver }) => {
      const epoch = await leaderEpoch(driver);
      assert.ok(await leaderEpoch(driver) >= epoch, "the second stream reported an older epoch");
    },
  },
  {
    title: "leadershipEvents() never reports an older epoch",
    needs: "supersede",
    run: async (subject) => {
      const reader = new EventReader(subject.driver);
      const { epoch } = await reader.leader();
      const changed = reader.next();
      await subject.supersede();
      const { done, value } = await changed;
      assert.ok(!done, "the stream ended by itself");
      const newest = eventEpoch(value) ?? epoch;
      assert.ok(newest >= epoch, `epoch ${newest} came after ${epoch}`);
      await reader.stop();
    },
  },
  {
    title: "certainUntil() is a number each time it is read",
    run: async ({ driver }) => {
      const reader = new EventReader(driver);
      const { certainUntil } = await reader.leader();
      for (let read = 0; certainUntil && read < 3; read++) {
        assert.equal(typeof certainUntil(), "number");
        assert.ok(!Number.isNaN(certainUntil()), "certainUntil() returned NaN");
      }
      await reader.stop();
    },
  },
  {
    title: "loadHighWater() of an empty store is 0",
    run: async ({ driver }) => {
      assert.equal(await driver.loadHighWater(), 0);
    },
  },
  {
    title: "persistHighWater() returns what is durable, and loadHighWater() sees it",
    run: async ({ driver }) => {
      const epoch = await leaderEpoch(driver);
      for (const wantedMs of [0, 1, 1_700_000_000_000, PHYSICAL_MS_MAX]) {
        assert.equal(await driver.persistHighWater(wantedMs, epoch), wantedMs);
        assert.equal(await driver.loadHighWater(), wantedMs);
      }
    },
  },
  {
    title: "persistHighWater() answers a lower request with the stored value",
    run: async ({ driver }) => {
      const epoch = await leaderEpoch(driver);
      await driver.persistHighWater(1_000, epoch);
      for (const lowerMs of [999, 0, 1_000]) {
        assert.equal(await driver.persistHighWater(lowerMs, epoch), 1_000);
      }
      assert.equal(await driver.loadHighWater(), 1_000);
    },
  },
  {
    title: "persistHighWater() refuses what does not fit 46 bits and writes nothing",
    run: async ({ driver }) => {
      const epoch = await leaderEpoch(driver);
      await driver.persistHighWater(1_000, epoch);
      for (const wrongMs of [-1, 0.5, NaN, Infinity, PHYSICAL_MS_MAX + 1]) {
        await assert.rejects(driver.persistHighWater(wrongMs, epoch), AdvanceOutOfRangeError);
      }
      assert.equal(await driver.loadHighWater(), 1_000);
    },
  },
  {
    title: "persistHighWater() survives a restart of the driver",
    needs: "reopen",
    run: async (subject) => {
      const epoch = await leaderEpoch(subject.driver);
      await subject.driver.persistHighWater(1_000, epoch);
      await subject.reopen();
      assert.equal(await subject.driver.loadHighWater(), 1_000);
      const next = await leaderEpoch(subject.driver);
      assert.ok(next >= epoch, `epoch ${next} came after ${epoch}`);
      assert.equal(await subject.driver.persistHighWater(500, next), 1_000);
    },
  },
  {
    title: "persistHighWater() under a superseded epoch is refused and writes nothing",
    needs: "supersede",
    run: async (subject) => {
      const { driver } = subject;
      const epoch = await leaderEpoch(driver);
      await driver.persistHighWater(1_000, epoch);
      await subject.supersede();
      const before = await driver.loadHighWater();
      for (const wantedMs of [before + 1_000, 1]) {
        await assert.rejects(driver.persistHighWater(wantedMs, epoch), isFenced);
      }
      assert.equal(await driver.loadHighWater(), before);
    },
  },
  {
    title: "concurrent persists each get at least what they asked for and end at the highest",
    run: async ({ driver }) => {
      const epoch = await leaderEpoch(driver);
      const persist = async (wantedMs: number) => {
        const durableMs = await driver.persistHighWater(wantedMs, epoch);
        assert.ok(durableMs >= wantedMs, `${durableMs} was returned for ${wantedMs}`);
        const loadedMs = await driver.loadHighWater();
        assert.ok(loadedMs >= durableMs, `${loadedMs} was loaded after ${durableMs} was durable`);
      };
      await Promise.all(Array.from({ length: 20 }, (_, call) => persist(1_000 + call * 7 % 20)));
      assert.equal(await driver.loadHighWater(), 1_019);
    },
  },
  {
    title: "a caller that stops waiting harms nothing",
    run: async ({ driver }) => {
      const epoch = await leaderEpoch(driver);
      let acknowledgedMs = 0;
      for (let round = 0; round < 10; round++) {
        const wantedMs = 1_000 + round;
        const [durableMs] = await Promise.all([
          giveUp(round, (signal) => driver.persistHighWater(wantedMs, epoch, { signal })),
          giveUp(round, (signal) => driver.loadHighWater({ signal })),
        ]);
        acknowledgedMs = Math.max(acknowledgedMs, durableMs ?? 0);
        const loadedMs = await driver.loadHighWater();
        assert.ok(loadedMs >= acknowledgedMs && loadedMs <= wantedMs, `loaded ${loadedMs}`);
      }
      assert.equal(await driver.persistHighWater(2_000, epoch), 2_000);
      assert.equal(await driver.loadHighWater(), 2_000);
    },
  },
];

/** Calls, gives up after some turns, and tells what the call returned if it was answered after all. */
async function giveUp(
  turns: number,
  call: (signal: AbortSignal) => Promise<number>,
): Promise<number | undefined> {
  const stop = new AbortController();
  const reason = new DOMException("the caller gave up", "AbortError");
  const outcome = call(stop.signal).catch((error: unknown) => {
    assert.ok(error === reason || error instanceof ConsensusError, `threw ${error}`);
    return undefined;
  });
  await settle(turns);
  stop.abort(reason);
  return await outcome;
}
