// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { LeadershipEvent } from "../../src/consensus/driver.ts";
import {
  AdvanceOutOfRangeError,
  FencedError,
  NotLeaderError,
  PermanentError,
  TransientError,
} from "../../src/consensus/errors.ts";
import { PHYSICAL_MS_MAX } from "../../src/core/timestamp.ts";
import { createFetchHandler } from "../../src/rpc/fetch_handler.ts";
import { OracleError } from "../../src/server/errors.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { OracleRig } from "../_support/oracle_rig.ts";
import { getTsRequest, readRefusal, urlOf } from "./_support/calls.ts";
import type { RefusedCall } from "./_support/calls.ts";
import { refusingSource } from "./_support/fake_source.ts";

const FOLLOWER: LeadershipEvent = {
  kind: "follower",
  leaderEndpoint: { host: "10.0.0.7", port: 50551 },
  leaderEpoch: 42n,
};
const FOLLOWER_HINT = "0a0e31302e302e302e373a35303535311202102a";
const INVALID = { status: 400, code: "invalid_argument", hint: undefined } as const;
const NOT_LEADER = { status: 400, code: "failed_precondition", message: "not leader" } as const;

/** One row of behaviour.md 1.4: a node, a call, what is said. */
interface Row {
  readonly name: string;
  readonly node: (rig: OracleRig) => void | Promise<void>;
  readonly count: number;
  readonly refusal: RefusedCall;
}

const ROWS: readonly Row[] = [
  {
    name: "a count of 0 on a follower: the count is looked at before the leadership",
    node: follow,
    count: 0,
    refusal: { ...INVALID, message: "count must be >= 1" },
  },
  {
    name: "a count of 0 on the leader",
    node: lead,
    count: 0,
    refusal: { ...INVALID, message: "count must be >= 1" },
  },
  {
    name: "a count of 300000 on a follower: the leadership is looked at before the upper bound",
    node: follow,
    count: 300_000,
    refusal: { ...NOT_LEADER, hint: FOLLOWER_HINT },
  },
  {
    name: "a node that knows of no leader: the hint is there and empty",
    node: () => settle(),
    count: 1,
    refusal: { ...NOT_LEADER, hint: "" },
  },
  {
    name: "a leader that is in doubt: the hint is empty",
    node: (rig) => rig.lead(1n, () => rig.clock.monotonicMs() - 1),
    count: 1,
    refusal: { ...NOT_LEADER, hint: "" },
  },
  {
    name: "a count of 262145 on the leader",
    node: lead,
    count: 262_145,
    refusal: { ...INVALID, message: "invalid count: 262145" },
  },
  {
    name: "the largest count on the wire",
    node: lead,
    count: 4_294_967_295,
    refusal: { ...INVALID, message: "invalid count: 4294967295" },
  },
  {
    name: "a clock beyond 46 bits",
    node: (rig) => onEmptyWindow(rig, () => rig.clock.jumpTo(PHYSICAL_MS_MAX + 1)),
    count: 1,
    refusal: {
      status: 400,
      code: "out_of_range",
      message: `physical_ms ${PHYSICAL_MS_MAX + 1} exceeds 46-bit timestamp field`,
      hint: undefined,
    },
  },
  failedPersist("a transient fault of the store", new TransientError("the disk is slow"), {
    status: 503,
    code: "unavailable",
    message: "persist: the disk is slow",
    hint: undefined,
  }),
  failedPersist("a permanent fault of the store", new PermanentError("the disk is gone"), {
    status: 500,
    code: "internal",
    message: "persist: the disk is gone",
    hint: undefined,
  }),
  failedPersist("a store that says out of range", new AdvanceOutOfRangeError(2 ** 46), {
    status: 500,
    code: "internal",
    message: `persist: ${new AdvanceOutOfRangeError(2 ** 46).message}`,
    hint: undefined,
  }),
  failedPersist("a store that says not leader", new NotLeaderError(), {
    ...NOT_LEADER,
    hint: "",
  }),
  failedPersist("a store that is fenced: the hint carries its epoch", new FencedError(1n, 7n), {
    ...NOT_LEADER,
    hint: "12021007",
  }),
];

for (const { name, node, count, refusal } of ROWS) {
  Deno.test(`GetTs refuses ${name}`, async () => {
    await using rig = new OracleRig();
    await node(rig);
    const response = await createFetchHandler(rig.oracle)(getTsRequest({ count }));
    assert.deepEqual(await readRefusal(response), refusal);
  });
}

Deno.test("GetCurrentMaxSafe never fails for want of leadership and carries no hint", async () => {
  await using rig = new OracleRig();
  await follow(rig);
  const response = await createFetchHandler(rig.oracle)(new Request(urlOf("GetCurrentMaxSafe")));
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), {
    maxSafePhysicalMs: "0",
    epochHi: "0",
    epochLo: "0",
  });
});

Deno.test("GetTs refuses a grant for which even a fresh window has no room", async () => {
  const source = refusingSource(new OracleError("window-exhausted", "window exhausted"));
  const response = await createFetchHandler(source)(getTsRequest({ count: 1 }));
  assert.deepEqual(await readRefusal(response), {
    status: 500,
    code: "internal",
    message: "window exhausted",
    hint: undefined,
  });
});

async function lead(rig: OracleRig): Promise<void> {
  await rig.lead(1n);
}

async function follow(rig: OracleRig): Promise<void> {
  rig.driver.announce(FOLLOWER);
  await settle();
}

async function onEmptyWindow(rig: OracleRig, next: () => void): Promise<void> {
  await rig.lead(1n);
  rig.outrunWindow();
  next();
}

/** A leader whose window is empty and whose store then says something. */
function failedPersist(name: string, error: Error, refusal: RefusedCall): Row {
  const fail = () => {
    throw error;
  };
  return {
    name,
    node: (rig) => onEmptyWindow(rig, () => rig.driver.beforePersist = fail),
    count: 1,
    refusal,
  };
}
