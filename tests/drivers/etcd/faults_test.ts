// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { PermanentError, TransientError } from "../../../src/consensus/errors.ts";
import { faultOf } from "../../../src/drivers/etcd/faults.ts";

const PASSES: readonly (readonly [Code, string])[] = [
  [Code.Unavailable, "etcdserver: no leader"],
  [Code.Unavailable, "etcdserver: request timed out"],
  [Code.DeadlineExceeded, "the operation timed out"],
  [Code.ResourceExhausted, "etcdserver: too many requests"],
  [Code.ResourceExhausted, "etcdserver: mvcc: database space exceeded"],
  [Code.Aborted, "aborted"],
  [Code.FailedPrecondition, "etcdserver: rpc not supported for learner"],
  [Code.InvalidArgument, "etcdserver: revision of auth store is old"],
  [Code.Unknown, "protocol error: missing trailer"],
  [Code.Internal, "the connection was ended with code 0xb of HTTP/2"],
  [Code.PermissionDenied, "http/2 stream closed with error code INADEQUATE_SECURITY (0xc)"],
  [Code.Unimplemented, "protocol error: missing output message for unary method"],
];

const STAYS: readonly (readonly [Code, string])[] = [
  [Code.Unauthenticated, "etcdserver: invalid auth token"],
  [Code.PermissionDenied, "etcdserver: permission denied"],
  [Code.InvalidArgument, "etcdserver: request is too large"],
  [Code.InvalidArgument, "etcdserver: too many operations in txn request"],
  [Code.ResourceExhausted, "grpc: received message larger than max (2097165 vs. 2097152)"],
  [Code.Unimplemented, "HTTP 404"],
  [Code.DataLoss, "etcdserver: corrupt cluster"],
];

for (const [code, said] of PASSES) {
  Deno.test(`faultOf() lets ${Code[code]} pass: ${said}`, () => {
    const fault = faultOf(new ConnectError(said, code), "http://etcd:2379");
    assert.ok(fault instanceof TransientError);
    assert.ok(fault.message.startsWith(`etcd at http://etcd:2379: ${said}`), fault.message);
  });
}

for (const [code, said] of STAYS) {
  Deno.test(`faultOf() takes ${Code[code]} for permanent: ${said}`, () => {
    const fault = faultOf(new ConnectError(said, code), "http://etcd:2379");
    assert.ok(fault instanceof PermanentError);
    assert.ok(fault.message.includes(said));
  });
}

Deno.test("faultOf() says what to do where a person has to", () => {
  const messageOf = (said: string) => faultOf(new ConnectError(said, Code.Unknown), "a").message;
  assert.match(
    messageOf("etcdserver: mvcc: database space exceeded"),
    /; .*alarm NOSPACE disarmed$/,
  );
  assert.match(messageOf("etcdserver: request is too large"), /; raise '--max-request-bytes'/);
  assert.match(messageOf("etcdserver: too many operations in txn request"), /'--max-txn-ops'/);
  assert.match(messageOf("etcdserver: permission denied"), /; let the user of etcd read and write/);
});

Deno.test("faultOf() keeps what etcd said", () => {
  const cause = new ConnectError("etcdserver: no leader", Code.Unavailable);
  assert.equal(faultOf(cause, "a").cause, cause);
});
