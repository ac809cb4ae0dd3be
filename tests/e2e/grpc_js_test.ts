// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { LeaderHintSchema } from "../../src/gen/tsoracle/v1/tso_pb.ts";
import { ioTest } from "../_support/levels.ts";
import { ServerProcess } from "../_support/server_process.ts";
import { writeCertificates } from "./_support/cert_files.ts";
import { failure, GrpcJsClient, loadGrpcJs, tlsCredentials } from "./_support/grpc_js.ts";
import { decode, packed } from "./_support/grpc_wire.ts";
import { FOLLOWER, HINT_HEX, startInProcess, UNKNOWN } from "./_support/in_process.ts";

const HINT = "tsoracle-leader-hint-bin";

ioTest("grpc-js gets timestamps and a safe point over h2c", async () => {
  const grpc = await loadGrpcJs();
  await using server = await ServerProcess.start();
  using client = new GrpcJsClient(grpc, server.address);
  const first = await client.getTs(3);
  const second = await client.getTs(1);
  const { maxSafePhysicalMs, epochHi, epochLo } = await client.getCurrentMaxSafe();
  const third = await client.getTs(1);
  assert.deepEqual([first.count, first.epochHi, first.epochLo], [3, 0n, 0n]);
  assert.ok(packed(second) >= packed(first) + 3n);
  assert.deepEqual([epochHi, epochLo], [0n, 0n]);
  assert.ok(maxSafePhysicalMs > 0n && maxSafePhysicalMs < third.physicalMs);
});

ioTest("grpc-js gets the codes and sentences of refusals", async () => {
  const grpc = await loadGrpcJs();
  await using server = await ServerProcess.start();
  using client = new GrpcJsClient(grpc, server.address);
  const cases = [[0, "count must be >= 1"], [262_145, "invalid count: 262145"], [
    4_294_967_295,
    "invalid count: 4294967295",
  ]] as const;
  for (const [count, message] of cases) {
    const error = await failure(client.getTs(count));
    assert.equal(error.code, grpc.status.INVALID_ARGUMENT);
    assert.equal(error.details, message);
    assert.deepEqual(error.metadata.get(HINT), []);
  }
});

ioTest("grpc-js gets timestamps over TLS", async () => {
  const grpc = await loadGrpcJs();
  await using files = await writeCertificates();
  const flags = ["--tls-cert", files.certFile, "--tls-key", files.keyFile];
  await using server = await ServerProcess.start({ flags });
  const credentials = await tlsCredentials(grpc);
  using client = new GrpcJsClient(grpc, server.address, { credentials });
  assert.equal((await client.getTs(5)).count, 5);
});

ioTest("grpc-js gets timestamps over mutual TLS", async () => {
  const grpc = await loadGrpcJs();
  await using files = await writeCertificates();
  const { certFile, keyFile, clientCaFile } = files;
  const flags = ["--tls-cert", certFile, "--tls-key", keyFile, "--tls-client-ca", clientCaFile];
  await using server = await ServerProcess.start({ flags });
  const credentials = await tlsCredentials(grpc, "client");
  using client = new GrpcJsClient(grpc, server.address, { credentials });
  assert.equal((await client.getTs(5)).count, 5);
});

ioTest("grpc-js reads the leader hint of a node that does not lead", async () => {
  const grpc = await loadGrpcJs();
  await using server = await startInProcess({ initial: FOLLOWER });
  using client = new GrpcJsClient(grpc, server.address);
  const error = await failure(client.getTs(1));
  assert.equal(error.code, grpc.status.FAILED_PRECONDITION);
  assert.equal(error.details, "not leader");
  const [hint] = error.metadata.get(HINT);
  assert.ok(Buffer.isBuffer(hint));
  assert.equal(hint.toString("hex"), HINT_HEX);
  const { leaderEndpoint, leaderEpoch } = decode(LeaderHintSchema, hint);
  assert.equal(leaderEndpoint, "10.0.0.7:50551");
  assert.deepEqual([leaderEpoch?.hi, leaderEpoch?.lo], [0n, 42n]);
  const { maxSafePhysicalMs } = await client.getCurrentMaxSafe();
  assert.equal(maxSafePhysicalMs, 0n);
});

ioTest("grpc-js tells an empty hint from none", async () => {
  const grpc = await loadGrpcJs();
  await using server = await startInProcess({ initial: UNKNOWN });
  using client = new GrpcJsClient(grpc, server.address);
  const { metadata } = await failure(client.getTs(1));
  assert.deepEqual(metadata.get(HINT), [Buffer.alloc(0)]);
});

ioTest("grpc-js ends a call at its deadline while the server stands still", async () => {
  const grpc = await loadGrpcJs();
  await using server = await ServerProcess.start();
  using client = new GrpcJsClient(grpc, server.address);
  await client.getTs(1);
  server.signal("SIGSTOP");
  const error = await failure(client.getTs(1, { timeoutMs: 200 }));
  server.signal("SIGCONT");
  assert.equal(error.code, grpc.status.DEADLINE_EXCEEDED);
  assert.equal((await client.getTs(1)).count, 1);
});

ioTest(
  "grpc-js cancels a call while the server stands still, and the next one is answered",
  async () => {
    const grpc = await loadGrpcJs();
    await using server = await ServerProcess.start();
    using client = new GrpcJsClient(grpc, server.address);
    await client.getTs(1);
    server.signal("SIGSTOP");
    const stop = new AbortController();
    const cancelled = failure(client.getTs(1, { signal: stop.signal }));
    stop.abort();
    assert.equal((await cancelled).code, grpc.status.CANCELLED);
    server.signal("SIGCONT");
    assert.equal((await client.getTs(1)).count, 1);
  },
);

ioTest("grpc-js with eager keepalive pings is not turned away", async () => {
  const grpc = await loadGrpcJs();
  await using server = await ServerProcess.start();
  const channel = {
    "grpc.keepalive_time_ms": 1,
    "grpc.keepalive_timeout_ms": 5_000,
    "grpc.keepalive_permit_without_calls": 1,
  };
  using client = new GrpcJsClient(grpc, server.address, { channel });
  for (let call = 0; call < 300; call++) assert.equal((await client.getTs(1)).count, 1);
});

ioTest("grpc-js gets unique timestamps for 100 calls at once on one channel", async () => {
  const grpc = await loadGrpcJs();
  await using server = await ServerProcess.start();
  using client = new GrpcJsClient(grpc, server.address);
  const rounds = 5;
  let highest = 0n;
  for (let round = 0; round < rounds; round++) {
    const grants = await Promise.all(
      Array.from({ length: 100 }, (_, i) => client.getTs(1 + i % 7)),
    );
    const blocks = grants
      .map((grant) => ({ from: packed(grant), to: packed(grant) + BigInt(grant.count) }))
      .sort((a, b) => a.from < b.from ? -1 : 1);
    for (const { from, to } of blocks) {
      assert.ok(from >= highest, `${from} was granted before`);
      highest = to;
    }
  }
});
