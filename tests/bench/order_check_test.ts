// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { OrderCheck } from "../../bench/load/order_check.ts";

const PHYSICAL_MS = 1_800_000_000_000;

function block(physicalMs: number, logicalStart: number, count = 1) {
  return { physicalMs, logicalStart, count };
}

Deno.test("accept() takes blocks that each lie above what had returned", () => {
  const check = new OrderCheck(2);
  check.accept(block(PHYSICAL_MS, 262_142, 2), check.floor);
  check.accept(block(PHYSICAL_MS + 1, 0, 2), check.floor);
  assert.equal(check.blocks, 2);
  assert.equal(check.countOverlaps(), 0);
});

Deno.test("accept() takes concurrent answers in any order", () => {
  const check = new OrderCheck(1);
  const { floor } = check;
  check.accept(block(PHYSICAL_MS, 8), floor);
  check.accept(block(PHYSICAL_MS, 7), floor);
  assert.equal(check.countOverlaps(), 0);
});

Deno.test("accept() refuses a block at or below one that had returned before the call", () => {
  const check = new OrderCheck(3);
  check.accept(block(PHYSICAL_MS, 7, 3), check.floor);
  assert.throws(() => check.accept(block(PHYSICAL_MS, 9, 3), check.floor), /not above one/);
  assert.throws(() => check.accept(block(PHYSICAL_MS - 1, 100, 3), check.floor), /not above one/);
});

Deno.test("accept() refuses a block that is not the one asked for", () => {
  const check = new OrderCheck(2);
  for (const wrong of [block(PHYSICAL_MS, 0, 1), block(PHYSICAL_MS, 262_143, 2)]) {
    assert.throws(() => check.accept(wrong, check.floor), /asked for 2 timestamps/);
  }
  assert.throws(() => check.accept(block(NaN, 0, 2), check.floor), /not above one/);
});

Deno.test("countOverlaps() finds timestamps that concurrent calls got twice", () => {
  const check = new OrderCheck(2);
  const { floor } = check;
  for (const first of [0, 10, 11, 20]) check.accept(block(PHYSICAL_MS, first, 2), floor);
  assert.equal(check.countOverlaps(), 1);
});
