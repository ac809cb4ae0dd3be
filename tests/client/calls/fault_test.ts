// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AttemptTimeoutError, faultOf, unopenedFault } from "../../../src/client/calls/fault.ts";
import type { FaultKind } from "../../../src/client/calls/fault.ts";
import { describeFault, errorOfFault, statusName } from "../../../src/client/calls/fault_error.ts";
import { notLeader, status } from "../_support/scripted_servers.ts";

/** An error as Node makes it, wrapped as Connect does. */
function system(code: string, syscall?: string): ConnectError {
  const fields = syscall === undefined ? { code } : { code, syscall };
  const cause = Object.assign(new Error(`${syscall} ${code}`), fields);
  return new ConnectError(cause.message, Code.Unavailable, undefined, undefined, cause);
}

/** An error of a stream or a session as Node makes it, wrapped as Connect does. */
function http2Error(code: string, message: string): ConnectError {
  const cause = Object.assign(new Error(message), { code });
  return new ConnectError(message, Code.Internal, undefined, undefined, cause);
}

/** An error of a session that was caused by one of a stream. */
function sessionLost(): Error {
  const cause = Object.assign(new Error("Stream closed with error code NGHTTP2_REFUSED_STREAM"), {
    code: "ERR_HTTP2_STREAM_ERROR",
  });
  return Object.assign(new Error("Session closed", { cause }), { code: "ERR_HTTP2_SESSION_ERROR" });
}

function wireError(code: Code): ConnectError {
  const error = new ConnectError("no", code);
  error.isWireError = true;
  return error;
}

const ONCE = { sendsOnce: true };
const H2 = "http/2 stream closed with error code";

const KINDS: readonly (readonly [string, unknown, FaultKind])[] = [
  ["a refused connection", system("ECONNREFUSED", "connect"), "not-sent"],
  ["a host that is not reached", system("EHOSTUNREACH", "connect"), "not-sent"],
  ["a connection that was not made in time", system("ETIMEDOUT", "connect"), "not-sent"],
  ["an unknown name", system("ENOTFOUND", "getaddrinfo"), "not-sent"],
  ["an unknown authority", system("SELF_SIGNED_CERT_IN_CHAIN"), "not-sent"],
  ["a certificate of another host", system("ERR_TLS_CERT_ALTNAME_INVALID"), "not-sent"],
  [
    "a stream refused unread",
    new ConnectError(`${H2} REFUSED_STREAM (0x7)`, Code.Unavailable),
    "not-sent",
  ],
  [
    "a stream refused unread, as Node says it",
    http2Error("ERR_HTTP2_STREAM_ERROR", "Stream closed with error code NGHTTP2_REFUSED_STREAM"),
    "not-sent",
  ],
  [
    "a goodbye to the whole session",
    http2Error("ERR_HTTP2_SESSION_ERROR", "Session closed with error code NGHTTP2_REFUSED_STREAM"),
    "transport",
  ],
  [
    "a session that ended over a refused stream",
    new ConnectError("lost", Code.Internal, undefined, undefined, sessionLost()),
    "transport",
  ],
  [
    "a message that speaks of a refused stream",
    new ConnectError("GOAWAY after REFUSED_STREAM", Code.Unavailable),
    "transport",
  ],
  [
    "fetch of Deno without a connection",
    new TypeError("error sending request for url (http://a:1/): client error (Connect): tcp"),
    "not-sent",
  ],
  [
    "fetch of Node without a connection",
    new TypeError("fetch failed", { cause: system("ECONNREFUSED", "connect").cause }),
    "not-sent",
  ],
  ["a connection that ended", system("ECONNRESET", "read"), "transport"],
  ["a connection that died", system("ETIMEDOUT", "read"), "transport"],
  ["a host that is not reached any more", system("EHOSTUNREACH", "write"), "transport"],
  ["fetch of a browser", new TypeError("Failed to fetch"), "transport"],
  [
    "a stream that was cancelled",
    new ConnectError(`${H2} CANCEL (0x8)`, Code.Canceled),
    "transport",
  ],
  [
    "too many requests",
    new ConnectError(`${H2} ENHANCE_YOUR_CALM (0xb)`, Code.ResourceExhausted),
    "transport",
  ],
  [
    "an answer that is not gRPC",
    new ConnectError("unsupported content type text/html", Code.Unknown),
    "transport",
  ],
  ["a proxy", new ConnectError("HTTP 503", Code.Unavailable, { server: "proxy" }), "transport"],
  [
    "a message without a status",
    new ConnectError("missing output", Code.Unimplemented),
    "transport",
  ],
  [
    "a deadline of Connect",
    new ConnectError("the operation timed out", Code.DeadlineExceeded),
    "deadline",
  ],
  ["our own deadline", new AttemptTimeoutError(2_000), "deadline"],
  ["a status in the trailers", status(Code.Unavailable), "status"],
  ["a deadline in the trailers", status(Code.DeadlineExceeded), "status"],
  ["a status of Connect's protocol", wireError(Code.Internal), "status"],
  ["a status with a hint", notLeader(""), "status"],
  ["a code that only servers use", new ConnectError("expired", Code.FailedPrecondition), "status"],
  ["something that is no error", "thrown text", "transport"],
  ["nothing", undefined, "transport"],
];

for (const [name, thrown, kind] of KINDS) {
  Deno.test(`faultOf() takes ${name} for ${kind}`, () => {
    const fault = faultOf(thrown, ONCE);
    assert.equal(fault.kind, kind);
    assert.equal(fault.cause, thrown);
    assert.equal(unopenedFault(thrown).kind, "not-sent");
  });
}

Deno.test("faultOf() is certain that nothing was sent only if the transport sends once", () => {
  const refused = system("ECONNREFUSED", "connect");
  assert.equal(faultOf(refused, { sendsOnce: true }).isCertain, true);
  assert.equal(faultOf(refused, { sendsOnce: false }).isCertain, false);
  assert.equal(unopenedFault(refused).isCertain, true);
});

Deno.test("faultOf() looks at causes of causes, and ends with a circle of them", () => {
  const root = system("ECONNREFUSED", "connect");
  assert.equal(
    faultOf(new Error("a", { cause: new Error("b", { cause: root }) }), ONCE).kind,
    "not-sent",
  );
  const circle = new Error("a");
  circle.cause = circle;
  assert.equal(faultOf(circle, ONCE).kind, "transport");
});

Deno.test("statusName() writes codes as gRPC does", () => {
  const names = [
    Code.FailedPrecondition,
    Code.DeadlineExceeded,
    Code.DataLoss,
    Code.Internal,
    Code.Canceled,
  ];
  assert.deepEqual(names.map(statusName), [
    "FAILED_PRECONDITION",
    "DEADLINE_EXCEEDED",
    "DATA_LOSS",
    "INTERNAL",
    "CANCELLED",
  ]);
});

const ADDRESS = { name: "a:1", origin: "http://a:1", tls: undefined, configured: true };

Deno.test("errorOfFault() names what was wanted, the server, and the way out", () => {
  const attempted = { what: "get timestamps", address: ADDRESS };
  const refused = errorOfFault(faultOf(system("ECONNREFUSED", "connect"), ONCE), attempted);
  assert.equal(
    refused.message,
    "Cannot get timestamps: a:1 cannot be reached: connect ECONNREFUSED; check the address, the network and TLS",
  );
  const internal = errorOfFault(
    faultOf(status(Code.Internal, "window exhausted"), ONCE),
    attempted,
  );
  assert.equal(internal.message, "Cannot get timestamps: a:1 answered INTERNAL: window exhausted");
  assert.deepEqual([internal.code, internal.status, internal.endpoint], [
    "refused",
    "INTERNAL",
    "a:1",
  ]);
  const late = describeFault(faultOf(new AttemptTimeoutError(1_999.5), ONCE), ADDRESS);
  assert.equal(late, "a:1 did not answer in time: no answer within 2000 ms");
});
