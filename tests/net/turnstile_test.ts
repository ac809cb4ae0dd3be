// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Turnstile } from "../../src/net/turnstile.ts";
import { until } from "./_support/until.ts";

Deno.test("Turnstile.enter() starts a lone entrant at once", () => {
  const turnstile = new Turnstile();
  let started = false;
  turnstile.enter({ isGone: false, start: () => started = true });
  assert(started);
  turnstile.clear();
});

Deno.test("Turnstile.enter() starts a crowd in its order, a part of it in each turn", async () => {
  const turnstile = new Turnstile();
  const started: number[] = [];
  for (let i = 0; i < 5_000; i++) turnstile.enter({ isGone: false, start: () => started.push(i) });
  assert(started.length < 100, `${started.length} at once`);
  await until("everybody", () => started.length === 5_000);
  assert.deepEqual(started, Array.from({ length: 5_000 }, (_, i) => i));
});

Deno.test("Turnstile.enter() lets nobody overtake, also while it is busy", async () => {
  const turnstile = new Turnstile();
  const entered: number[] = [];
  const started: number[] = [];
  const enter = (i: number) => {
    entered.push(i);
    turnstile.enter({
      isGone: false,
      start: () => {
        started.push(i);
        if (i < 2_000) enter(i + 1_000);
      },
    });
  };
  for (let i = 0; i < 1_000; i++) enter(i);
  await until("everybody", () => started.length === 3_000);
  assert.deepEqual(started, entered);
});

Deno.test("Turnstile.enter() passes over those who have gone meanwhile", async () => {
  const turnstile = new Turnstile();
  const started: number[] = [];
  const entrants = Array.from({ length: 1_000 }, (_, i) => ({
    isGone: false,
    start: () => started.push(i),
  }));
  for (const entrant of entrants) turnstile.enter(entrant);
  for (const entrant of entrants.slice(0, 999)) entrant.isGone = true;
  const before = started.length;
  await until("the last", () => started.at(-1) === 999);
  assert.equal(started.length, before + 1);
});

Deno.test("Turnstile.clear() drops all who wait", () => {
  const turnstile = new Turnstile();
  let started = 0;
  for (let i = 0; i < 1_000; i++) turnstile.enter({ isGone: false, start: () => started += 1 });
  turnstile.clear();
  assert(started < 100);
});
