// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { ioTest } from "../_support/levels.ts";
import { grpcCall, grpcGetTs, H2Client } from "./_support/h2_client.ts";
import type { H2Call } from "./_support/h2_client.ts";
import { ServerRig } from "./_support/server_rig.ts";

const UNDECODABLE = new Uint8Array([0xff]);
const PATH = "/tsoracle.v1.TsoService/GetTs";

/** One row of "What is refused before a method is reached" in docs/wire.md. */
interface Row {
  readonly name: string;
  readonly grpc: H2Call;
  readonly grpcStatus: string;
  readonly http: RequestInit;
  readonly httpStatus: number;
}

function grpcWith(headers: Record<string, string>): H2Call {
  const call = grpcGetTs();
  return { ...call, headers: { ...call.headers, ...headers } };
}

function postJson(body: string, headers: Record<string, string> = {}): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json", ...headers }, body };
}

const ROWS: readonly Row[] = [
  {
    name: "a message that cannot be decoded",
    grpc: grpcCall("GetTs", UNDECODABLE),
    grpcStatus: "13",
    http: postJson("{"),
    httpStatus: 400,
  },
  {
    name: "a compression that is not known",
    grpc: grpcWith({ "grpc-encoding": "zstd" }),
    grpcStatus: "12",
    http: postJson("{}", { "content-encoding": "zstd" }),
    httpStatus: 501,
  },
  {
    name: "a message above 64 KiB",
    grpc: grpcCall("GetTs", new Uint8Array(65_537)),
    grpcStatus: "8",
    http: postJson(" ".repeat(65_537)),
    httpStatus: 429,
  },
  {
    name: "a deadline longer than a day",
    grpc: grpcWith({ "grpc-timeout": "25H" }),
    grpcStatus: "3",
    http: postJson('{"count":1}', { "connect-timeout-ms": "86400001" }),
    httpStatus: 400,
  },
];

for (const { name, grpc, grpcStatus, http, httpStatus } of ROWS) {
  ioTest(`serve() refuses ${name} over gRPC with ${grpcStatus}, else ${httpStatus}`, async () => {
    await using rig = await ServerRig.start();
    await using client = new H2Client(rig.url(""));
    const { headers, trailers } = await client.call(grpc);
    assert.equal(trailers["grpc-status"] ?? headers["grpc-status"], grpcStatus);
    const response = await fetch(rig.url(PATH), http);
    await response.body?.cancel();
    assert.equal(response.status, httpStatus);
  });
}

ioTest("serve() says DEADLINE_EXCEEDED, else 504, when a deadline passes", async () => {
  await using rig = await ServerRig.start();
  const calls = rig.holdCalls();
  await using client = new H2Client(rig.url(""));
  const { headers, trailers } = await client.call(grpcWith({ "grpc-timeout": "20m" }));
  assert.equal(trailers["grpc-status"] ?? headers["grpc-status"], "4");
  const late = postJson('{"count":1}', { "connect-timeout-ms": "20" });
  const response = await fetch(rig.url(PATH), late);
  await response.body?.cancel();
  assert.equal(response.status, 504);
  calls.open();
});
