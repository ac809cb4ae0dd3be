// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import {
  AdvanceOutOfRangeError,
  FencedError,
  NotLeaderError,
  PermanentError,
  TransientError,
  UnavailableError,
} from "../../src/consensus/errors.ts";
import { classifyPersistFault } from "../../src/server/persist_fault.ts";

const FATAL = { kind: "fatal", code: "internal" };

const CASES: readonly (readonly [unknown, object])[] = [
  [new NotLeaderError(), { kind: "stepped-down", fencedBy: undefined }],
  [new FencedError(1n, 0n), { kind: "stepped-down", fencedBy: 0n }],
  [new FencedError(1n), { kind: "stepped-down", fencedBy: undefined }],
  [new TransientError("late"), {
    kind: "transient",
    code: "unavailable",
    message: "persist: late",
  }],
  [new UnavailableError("in doubt"), {
    kind: "transient",
    code: "unavailable",
    message: "persist: in doubt",
  }],
  [new PermanentError("gone"), { ...FATAL, message: "persist: gone" }],
  [new AdvanceOutOfRangeError(2 ** 46), {
    ...FATAL,
    message:
      "persist: Cannot advance the high-water to 70368744177664: it must be a whole number from 0 to 70368744177663",
  }],
  [new TypeError("a bug"), { ...FATAL, message: "persist: a bug" }],
  ["thrown text", { ...FATAL, message: "persist: thrown text" }],
  [undefined, { ...FATAL, message: "persist: undefined" }],
];

for (const [error, fault] of CASES) {
  Deno.test(`classifyPersistFault() of ${error}`, () => {
    assert.deepEqual(classifyPersistFault(error), fault);
  });
}

Deno.test("classifyPersistFault() knows the errors of another copy of the package", () => {
  const foreign = Object.assign(new Error("late"), { name: "TransientError", code: "transient" });
  assert.equal(classifyPersistFault(foreign).kind, "transient");
  const system = Object.assign(new Error("no space"), { name: "Error", code: "transient" });
  assert.equal(classifyPersistFault(system).kind, "fatal");
});
