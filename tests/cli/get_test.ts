// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { MemoryDriver } from "../../src/drivers/memory/mod.ts";
import { serve } from "../../src/net/mod.ts";
import { parseEndpoint } from "../../src/core/endpoint.ts";
import { Oracle } from "../../src/server/mod.ts";
import { makeCertificates } from "../_support/certs.ts";
import { lastingAddress } from "../_support/lasting_port.ts";
import { ioTest } from "../_support/levels.ts";
import { serveLocally } from "./_support/local_server.ts";
import { runCli } from "./_support/run_cli.ts";
import { refuseStream, serveStreams } from "./_support/serve_streams.ts";
import type { TempDir } from "./_support/temp_dir.ts";
import { tempDir } from "./_support/temp_dir.ts";

interface Foreign extends AsyncDisposable {
  readonly address: string;
}

/** A server that is not ours. */
async function foreign(server: Server): Promise<Foreign> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

ioTest("tsoracle get prints one timestamp that lies near now", async () => {
  await using server = await serveLocally();
  const { code, stdout, stderr } = await runCli(["get", "--endpoint", server.address]);
  assert.equal(code, 0);
  assert.equal(stderr, "");
  assert.match(stdout, /^[0-9]+\n$/);
  assert.ok(Math.abs(Number(BigInt(stdout) >> 18n) - Date.now()) < 60_000);
});

ioTest(
  "tsoracle get --count prints consecutive timestamps, and later calls larger ones",
  async () => {
    await using server = await serveLocally();
    const args = ["get", "--endpoint", server.address, "--count", "1000"];
    const first = (await runCli(args)).stdout.trim().split("\n").map(BigInt);
    const second = (await runCli(args)).stdout.trim().split("\n").map(BigInt);
    assert.equal(first.length, 1_000);
    const start = first[0] ?? 0n;
    assert.deepEqual(first, first.map((_, index) => start + BigInt(index)));
    assert.ok((second[0] ?? 0n) > (first.at(-1) ?? 0n));
  },
);

ioTest("tsoracle get takes the largest block, and prints its ends with --range", async () => {
  await using server = await serveLocally();
  const args = ["get", "--endpoint", server.address, "--count", "262144", "--range"];
  const { code, stdout } = await runCli(args);
  assert.equal(code, 0);
  const [first = 0n, last = 0n] = stdout.trim().split(" ").map(BigInt);
  assert.equal(last - first, 262_143n);
});

ioTest("tsoracle get --json prints the block as one object", async () => {
  await using server = await serveLocally();
  const { stdout } = await runCli(["get", "--endpoint", server.address, "--count=3", "--json"]);
  const block = JSON.parse(stdout);
  assert.equal(BigInt(block.first), (BigInt(block.physicalMs) << 18n) | BigInt(block.logicalStart));
  assert.equal(BigInt(block.last) - BigInt(block.first), 2n);
  assert.deepEqual([block.count, block.epoch], [3, "0"]);
});

ioTest("tsoracle get takes its server from the environment", async () => {
  await using server = await serveLocally();
  const { code } = await runCli(["get"], { TSORACLE_ENDPOINT: server.address });
  assert.equal(code, 0);
});

ioTest("tsoracle get ends with 1 and says what to do when nothing listens", async () => {
  const gone = lastingAddress();
  const { code, stdout, stderr } = await runCli(["get", "--endpoint", gone]);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, new RegExp(`^error: .*${gone}: .*tsoracle serve.*\n$`));
});

ioTest("tsoracle get and status end with 2 for an endpoint that no URL can have", async () => {
  for (const command of ["get", "status"]) {
    const { code, stdout, stderr } = await runCli([command, "--endpoint", "a%b:1"]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^error: Cannot use "a%b:1" as an endpoint: .*write host:port.*\n$/);
  }
});

/** A follower that names a leader. */
async function follower(leader: string) {
  const driver = new MemoryDriver({
    initial: { kind: "follower", leaderEndpoint: parseEndpoint(leader), leaderEpoch: 4n },
  });
  const oracle = new Oracle({ driver, heartbeatIntervalMs: 0 });
  const server = await serve(oracle, { hostname: "127.0.0.1", port: 0 });
  for await (const state of oracle.watchState({ signal: AbortSignal.timeout(10_000) })) {
    if (state.kind === "not-serving" && state.leaderEndpoint !== undefined) break;
  }
  return {
    address: server.address,
    async [Symbol.asyncDispose]() {
      await server.close();
      await oracle.close();
    },
  };
}

ioTest("tsoracle get goes to the leader that a follower names", async () => {
  await using leader = await serveLocally();
  await using asked = await follower(leader.address);
  const { code, stdout } = await runCli(["get", "--endpoint", asked.address]);
  assert.equal(code, 0);
  assert.match(stdout, /^[0-9]+\n$/);
});

ioTest("tsoracle get ends with 1 and names the leader that cannot be reached", async () => {
  const gone = lastingAddress();
  await using asked = await follower(gone);
  const args = ["get", "--endpoint", asked.address, "--timeout", "500ms"];
  const { code, stderr } = await runCli(args);
  assert.equal(code, 1);
  assert.match(stderr, /^error: Cannot get a timestamp from .*\n$/);
});

ioTest("tsoracle get ends with 1 when nobody is known to lead", async () => {
  await using oracle = new Oracle({
    driver: new MemoryDriver({ initial: { kind: "unknown" } }),
    heartbeatIntervalMs: 0,
  });
  await using server = await serve(oracle, { hostname: "127.0.0.1", port: 0 });
  const { code, stderr } = await runCli([
    "get",
    "--endpoint",
    server.address,
    "--timeout",
    "2s",
  ]);
  assert.equal(code, 1);
  assert.match(stderr, /nobody is known to lead; try again/);
});

ioTest("tsoracle get ends with 1 after its time is over", async () => {
  await using silent = await foreign(createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.resume();
  }));
  const args = ["get", "--endpoint", silent.address, "--timeout", "50ms"];
  const { code, stderr } = await runCli(args);
  assert.equal(code, 1);
  assert.match(stderr, /did not answer in time.*--timeout/);
});

ioTest("tsoracle get ends with 1 when another kind of server answers", async () => {
  await using web = await foreign(createServer((_, response) => response.writeHead(404).end("?")));
  const { code, stderr } = await runCli(["get", "--endpoint", web.address]);
  assert.equal(code, 1);
  assert.match(stderr, /is not tsoracle/);
});

ioTest("tsoracle get does not call a server unreachable that says UNAVAILABLE", async () => {
  await using server = await serveStreams((stream) =>
    refuseStream(stream, { status: 14, message: "too many wait" })
  );
  const args = ["get", "--endpoint", server.address, "--timeout", "2s"];
  const { code, stderr } = await runCli(args);
  assert.equal(code, 1);
  assert.match(stderr, /: it answered UNAVAILABLE: .*too many wait; try again in a moment\n$/);
});

/** Writes the test certificates as files and returns the flags that name them. */
async function tlsFlags(dir: TempDir) {
  const certs = await makeCertificates();
  const ca = await dir.write("ca.pem", certs.caPem);
  const clientCa = await dir.write("client_ca.pem", certs.clientCaPem);
  const cert = await dir.write("cert.pem", certs.server.certPem);
  const key = await dir.write("key.pem", certs.server.keyPem);
  const clientCert = await dir.write("client_cert.pem", certs.client.certPem);
  const clientKey = await dir.write("client_key.pem", certs.client.keyPem);
  return {
    server: ["--tls-cert", cert, "--tls-key", key],
    clientCheck: ["--tls-client-ca", clientCa],
    trust: ["--tls-ca", ca],
    identity: ["--client-cert", clientCert, "--client-key", clientKey],
  };
}

ioTest("tsoracle get speaks TLS and trusts the authority that it is given", async () => {
  await using dir = await tempDir();
  const tls = await tlsFlags(dir);
  await using server = await serveLocally({ flags: tls.server });
  const args = ["get", "--endpoint", server.address];
  const { code, stdout, stderr } = await runCli([...args, ...tls.trust]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^[0-9]+\n$/);
  const plain = await runCli(args);
  assert.equal(plain.code, 1);
  assert.match(plain.stderr, /if the server speaks TLS, use --tls/);
  const distrust = await runCli([...args, "--tls"]);
  assert.equal(distrust.code, 1);
  assert.match(distrust.stderr, /check --tls-ca/);
});

ioTest("tsoracle get shows its certificate to a server that asks for one", async () => {
  await using dir = await tempDir();
  const tls = await tlsFlags(dir);
  await using server = await serveLocally({ flags: [...tls.server, ...tls.clientCheck] });
  const args = ["get", "--endpoint", server.address, ...tls.trust];
  assert.equal((await runCli([...args, ...tls.identity])).code, 0);
  const { code, stderr } = await runCli(args);
  assert.equal(code, 1);
  assert.match(stderr, /^error: Cannot get a timestamp from .*\n$/);
});

ioTest("tsoracle get --tls ends with 1 against a plaintext server", async () => {
  await using server = await serveLocally();
  const { code, stderr } = await runCli(["get", "--endpoint", server.address, "--tls"]);
  assert.equal(code, 1);
  assert.match(stderr, /whether the server speaks TLS\n$/);
});
