// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { lastingAddress } from "../_support/lasting_port.ts";
import { ioTest } from "../_support/levels.ts";
import { ServerProcess } from "../_support/server_process.ts";
import { RawClient } from "../net/_support/raw_client.ts";
import { curl, curlTest } from "./_support/curl.ts";
import { GET_TS, grpcGetTs, grpcGrant, grpcStatus } from "./_support/grpc_wire.ts";
import type { H2Stream } from "./_support/h2_client.ts";
import { H2Client } from "./_support/h2_client.ts";
import type { LifeCall } from "./_support/load.ts";
import { checkLives, Load } from "./_support/load.ts";

const NO_ERROR = 0;
const REFUSAL_LIMIT_MS = 60_000;
const PATIENT = ["--shutdown-grace", "1h"];
const CALL = grpcGetTs(1);
const FIRST_HALF = CALL.body!.subarray(0, 4);
const SECOND_HALF = CALL.body!.subarray(4);
/** The server asks for the rest once it has the head. */
const HALF_OF_HTTP1 = `POST ${GET_TS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
  'Content-Length: 11\r\nExpect: 100-continue\r\n\r\n{"co';

/** Opens a call whose request has only half arrived, and waits until the server has it. */
async function halfSent(client: H2Client): Promise<H2Stream> {
  assert.equal(grpcGrant(await client.call(CALL)).count, 1);
  const stream = client.open(CALL);
  stream.write(FIRST_HALF);
  await client.ping();
  return stream;
}

/** Waits until nobody listens on the port any more. */
async function untilRefused({ hostname, port }: ServerProcess): Promise<void> {
  const giveUpMs = performance.now() + REFUSAL_LIMIT_MS;
  while (performance.now() < giveUpMs) {
    try {
      (await Deno.connect({ hostname, port })).close();
    } catch (error) {
      assert.ok(error instanceof Deno.errors.ConnectionRefused, String(error));
      return;
    }
  }
  assert.fail("the server still accepts connections");
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  ioTest(`serve lets a slow call finish after one ${signal}, and ends with 0`, async () => {
    await using server = await ServerProcess.start({ listen: lastingAddress(), flags: PATIENT });
    await using client = new H2Client(`http://${server.address}`);
    const slow = await halfSent(client);
    server.signal(signal);
    assert.equal(await client.untilGoaway(), NO_ERROR);
    await untilRefused(server);
    slow.end(SECOND_HALF);
    assert.equal(grpcGrant(await slow.answer).count, 1);
    await client.untilClosed();
    assert.deepEqual(await server.ended(), { code: 0, signal: null });
    assert.doesNotMatch(server.output, /after the grace/);
  });
}

ioTest("serve ends stuck calls with UNAVAILABLE after the grace, and exits with 0", async () => {
  await using server = await ServerProcess.start({ flags: ["--shutdown-grace", "100ms"] });
  await using http2 = new H2Client(`http://${server.address}`);
  await using http1 = await RawClient.connect(server.port);
  const stuck = await halfSent(http2);
  http1.send(HALF_OF_HTTP1);
  await http1.untilText(/^HTTP\/1\.1 100 /);
  server.signal("SIGTERM");
  const status = { code: 14, message: "server is shutting down" };
  assert.deepEqual(grpcStatus(await stuck.answer), status);
  assert.match(await http1.untilClosed(), /HTTP\/1\.1 503 [^]*server is shutting down\n$/);
  assert.equal((await server.ended()).code, 0);
});

for (
  const [first, second, code] of [
    ["SIGTERM", "SIGTERM", 143],
    ["SIGINT", "SIGINT", 130],
    ["SIGTERM", "SIGINT", 130],
    ["SIGINT", "SIGTERM", 143],
  ] as const
) {
  ioTest(
    `serve ends at once with ${code} on ${second} after ${first}, stuck call or not`,
    async () => {
      await using server = await ServerProcess.start({ flags: PATIENT });
      await using client = new H2Client(`http://${server.address}`);
      const stuck = await halfSent(client);
      server.signal(first);
      await client.untilGoaway();
      server.signal(second);
      assert.deepEqual(await server.ended(), { code, signal: null });
      await assert.rejects(stuck.answer);
    },
  );
}

curlTest("serve says goodbye to an idle HTTP/1.1 and an idle HTTP/2 connection", async () => {
  await using server = await ServerProcess.start({ listen: lastingAddress(), flags: PATIENT });
  await using client = new H2Client(`http://${server.address}`);
  assert.equal((await client.call(CALL)).status, 200);
  const idle = await Deno.connect({ hostname: server.hostname, port: server.port });
  const request = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
  await idle.write(new TextEncoder().encode(request));
  await idle.read(new Uint8Array(1_000));
  assert.equal((await server.stop()).code, 0);
  assert.equal(await client.untilGoaway(), NO_ERROR);
  assert.equal(await idle.read(new Uint8Array(1_000)), null);
  idle.close();
  assert.equal((await curl(`http://${server.address}/healthz`)).exit, 7);
});

ioTest(
  "serve stopped politely under load answers or refuses every call, and starts again above",
  async () => {
    const calls: LifeCall[] = [];
    const directory = await Deno.makeTempDir({ prefix: "tsoracle-" });
    try {
      for (let life = 0; life < 3; life++) {
        await using server = await ServerProcess.start({ directory, listen: lastingAddress() });
        await using load = new Load(server.address, life, calls);
        await load.more(30);
        assert.equal((await server.stop()).code, 0);
        await load.broken();
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
    checkLives(calls);
  },
);
