// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import { LEADER_HINT_KEY } from "../../src/rpc/leader_hint.ts";
import { statusOf, toStatus } from "../../src/rpc/status.ts";
import { OracleError } from "../../src/server/errors.ts";
import type { OracleErrorCode } from "../../src/server/errors.ts";

/** behaviour.md 1.4 */
const TABLE: Readonly<Record<OracleErrorCode, Code>> = {
  "invalid-count": Code.InvalidArgument,
  "not-leader": Code.FailedPrecondition,
  "out-of-range": Code.OutOfRange,
  "unavailable": Code.Unavailable,
  "window-exhausted": Code.Internal,
  "internal": Code.Internal,
  "unsupported": Code.Unimplemented,
  "invalid-key": Code.InvalidArgument,
  "invalid-batch": Code.InvalidArgument,
  "key-limit": Code.ResourceExhausted,
  "sequence-overflow": Code.FailedPrecondition,
  "outcome-unknown": Code.Internal,
  "invalid-holder": Code.InvalidArgument,
  "invalid-ttl": Code.InvalidArgument,
  "stale-holder": Code.FailedPrecondition,
  "lease-expired": Code.FailedPrecondition,
  "lease-superseded": Code.FailedPrecondition,
  "unknown-lease": Code.NotFound,
  "lease-limit": Code.ResourceExhausted,
};

for (const [code, expected] of Object.entries(TABLE) as [OracleErrorCode, Code][]) {
  Deno.test(`toStatus() says ${Code[expected]} for ${code} and keeps the message`, () => {
    const error = new OracleError(code, "the message");
    const status = toStatus(error);
    assert.equal(status.code, expected);
    assert.equal(status.rawMessage, "the message");
    assert.equal(status.cause, error);
    assert.equal(status.metadata.has(LEADER_HINT_KEY), code === "not-leader");
  });
}

Deno.test("toStatus() attaches an empty hint too", () => {
  const { metadata } = toStatus(new OracleError("not-leader", "not leader"));
  assert.equal(metadata.get(LEADER_HINT_KEY), "");
});

Deno.test("toStatus() attaches what is known about the leader", () => {
  const { metadata } = toStatus(
    new OracleError("not-leader", "not leader", { hint: { leaderEpoch: 7n } }),
  );
  assert.equal(metadata.get(LEADER_HINT_KEY), "EgIQBw");
});

Deno.test("statusOf() lets a status through as it is", () => {
  const status = new ConnectError("server is shutting down", Code.Unavailable);
  assert.equal(statusOf(status, unexpected), status);
});

Deno.test("statusOf() says CANCELED for an abort", () => {
  const { reason } = AbortSignal.abort();
  assert.equal(statusOf(reason, unexpected).code, Code.Canceled);
});

Deno.test("statusOf() hides and reports a fault of ours, whatever was thrown", () => {
  for (const fault of [new TypeError("secret"), "secret", undefined, { secret: 1 }]) {
    const reported: unknown[] = [];
    const status = statusOf(fault, (error) => reported.push(error));
    assert.equal(status.code, Code.Internal);
    assert.equal(status.rawMessage, "internal error");
    assert.deepEqual(reported, [fault]);
  }
});

function unexpected(): void {
  assert.fail("this is no fault");
}
