// SPDX-License-Identifier: Apache-2.0

// A channel of grpc-js that once failed to connect keeps its backoff timer for a while after it was closed,
// so these tests run without the leak sanitizers and in a file of their own.

import assert from "node:assert/strict";
import { lastingAddress } from "../_support/lasting_port.ts";
import { HAS_PERMISSIONS } from "../_support/levels.ts";
import { ServerProcess } from "../_support/server_process.ts";
import { writeCertificates } from "./_support/cert_files.ts";
import { failure, GrpcJsClient, loadGrpcJs, tlsCredentials } from "./_support/grpc_js.ts";
import { packed } from "./_support/grpc_wire.ts";

function leakyTest(name: string, fn: () => Promise<void>): void {
  const ignore = !HAS_PERMISSIONS;
  Deno.test({ name, ignore, fn, sanitizeOps: false, sanitizeResources: false });
}

leakyTest("grpc-js in cleartext is turned away from a TLS server", async () => {
  const grpc = await loadGrpcJs();
  await using files = await writeCertificates();
  const flags = ["--tls-cert", files.certFile, "--tls-key", files.keyFile];
  await using server = await ServerProcess.start({ flags });
  using client = new GrpcJsClient(grpc, server.address);
  assert.equal((await failure(client.getTs(1))).code, grpc.status.UNAVAILABLE);
});

leakyTest(
  "grpc-js is turned away from mutual TLS without a certificate that is known",
  async () => {
    const grpc = await loadGrpcJs();
    await using files = await writeCertificates();
    const { certFile, keyFile, clientCaFile } = files;
    const flags = ["--tls-cert", certFile, "--tls-key", keyFile, "--tls-client-ca", clientCaFile];
    await using server = await ServerProcess.start({ flags });
    for (const role of ["stranger", undefined] as const) {
      const credentials = await tlsCredentials(grpc, role);
      using client = new GrpcJsClient(grpc, server.address, { credentials });
      assert.equal((await failure(client.getTs(1))).code, grpc.status.UNAVAILABLE);
    }
  },
);

leakyTest("grpc-js goes on after kill -9 and restart, above what it got before", async () => {
  const grpc = await loadGrpcJs();
  const directory = await Deno.makeTempDir({ prefix: "tsoracle-" });
  try {
    const listen = lastingAddress();
    await using first = await ServerProcess.start({ directory, listen });
    using client = new GrpcJsClient(grpc, first.address);
    const before = await client.getTs(262_144);
    await first.kill();
    await failure(client.getTs(1));
    await using _second = await ServerProcess.start({ directory, listen });
    const after = await client.getTs(1, { waitForReady: true });
    assert.ok(packed(after) >= packed(before) + 262_144n);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
