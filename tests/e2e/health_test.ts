// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../src/gen/grpc/health/v1/health_pb.ts";
import { ioTest } from "../_support/levels.ts";
import { ServerProcess } from "../_support/server_process.ts";
import { holdTimer } from "../net/_support/hold_timer.ts";
import { RawClient } from "../net/_support/raw_client.ts";
import { ServerRig } from "../net/_support/server_rig.ts";
import { soon, until } from "../net/_support/until.ts";
import { failure } from "./_support/grpc_js.ts";
import { HealthClient } from "./_support/health_client.ts";

const HOUR_MS = 3_600_000;
/** Longer than any wait of a test, so that a close that waits for it fails. */
const GRACE_MS = 15_000;
const TSO = "tsoracle.v1.TsoService";
const NOT_FOUND = 5;
const UNAVAILABLE = 14;
const WATCH = "/grpc.health.v1.Health/Watch";

ioTest("a public health client is told SERVING by the command line's server", async () => {
  await using server = await ServerProcess.start();
  using client = await HealthClient.connect(server.address);
  assert.equal(await client.check(), "SERVING");
  assert.equal(await client.check(TSO), "SERVING");
  const { code, details } = await failure(client.check("nope"));
  assert.equal(code, NOT_FOUND);
  assert.equal(details, `Cannot tell the health of "nope": ask for "" or "${TSO}"`);
});

ioTest("a public health client watches the leadership come and go", async () => {
  await using rig = await ServerRig.start();
  using client = await HealthClient.connect(rig.server.address);
  const watch = client.watch(TSO);
  const unknown = client.watch("nope");
  await watch.untilSaid(1);
  rig.node.driver.announce({ kind: "unknown" });
  await watch.untilSaid(2);
  const leaderEndpoint = { host: "10.0.0.7", port: 50551 };
  rig.node.driver.announce({ kind: "follower", leaderEndpoint });
  await watch.untilSaid(3);
  await unknown.untilSaid(1);
  assert.deepEqual(watch.said, ["SERVING", "NOT_SERVING", "SERVING"]);
  assert.deepEqual(unknown.said, ["SERVICE_UNKNOWN"]);
  await watch.cancel();
  await unknown.cancel();
});

ioTest("a watch outlives the time limits of requests and idle connections", async () => {
  const limits = { requestTimeoutMs: 500, idleTimeoutMs: 500 };
  await using rig = await ServerRig.start({ limits });
  using client = await HealthClient.connect(rig.server.address);
  const watch = client.watch();
  await watch.untilSaid(1);
  await using slow = await RawClient.connect(rig.port);
  slow.send("POST /tsoracle.v1.TsoService/GetTs HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n");
  await using idle = await RawClient.connect(rig.port);
  idle.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  await Promise.all([slow.untilClosed(), idle.untilClosed()]);
  rig.node.driver.announce({ kind: "unknown" });
  await watch.untilSaid(2);
  assert.deepEqual(watch.said, ["SERVING", "NOT_SERVING"]);
  await watch.cancel();
});

ioTest("close() tells watchers NOT_SERVING, ends them, and waits for none", async () => {
  await using rig = await ServerRig.start({ shutdownGraceMs: GRACE_MS });
  using client = await HealthClient.connect(rig.server.address);
  const watches = Array.from({ length: 50 }, (_, i) => client.watch(i === 0 ? "nope" : ""));
  for (const watch of watches) await watch.untilSaid(1);
  await soon("the close", rig.server.close());
  for (const watch of watches) {
    const { code, details } = await soon("the end of a watch", watch.end);
    assert.deepEqual([code, details], [UNAVAILABLE, "server is shutting down"]);
  }
  const [unknown, ...known] = watches.map(({ said }) => said);
  assert.deepEqual(unknown, ["SERVICE_UNKNOWN"]);
  for (const said of known) assert.deepEqual(said, ["SERVING", "NOT_SERVING"]);
});

ioTest("close() with a grace of 0 still tells watchers NOT_SERVING", async () => {
  await using rig = await ServerRig.start();
  using client = await HealthClient.connect(rig.server.address);
  const watch = client.watch();
  await watch.untilSaid(1);
  await soon("the close", rig.server.close({ graceMs: 0 }));
  assert.equal((await watch.end).code, UNAVAILABLE);
  assert.deepEqual(watch.said, ["SERVING", "NOT_SERVING"]);
});

ioTest(
  "close() says NOT_SERVING at once, and watches go on through the lame-duck time",
  async () => {
    await using rig = await ServerRig.start({ lameDuckMs: HOUR_MS });
    using lameDuck = holdTimer(HOUR_MS);
    using client = await HealthClient.connect(rig.server.address);
    const early = client.watch();
    await early.untilSaid(1);
    const closed = rig.server.close();
    await early.untilSaid(2);
    assert.equal(await client.check(), "NOT_SERVING");
    const late = client.watch();
    await late.untilSaid(1);
    assert.deepEqual([early.said, late.said], [["SERVING", "NOT_SERVING"], ["NOT_SERVING"]]);
    lameDuck.fire();
    await soon("the close", closed);
    assert.equal((await late.end).code, UNAVAILABLE);
    assert.equal((await early.end).code, UNAVAILABLE);
  },
);

ioTest("a watcher that has gone leaves nothing behind, however it goes", async () => {
  await using rig = await ServerRig.start();
  const open = countWatches(rig);
  using client = await HealthClient.connect(rig.server.address);
  const cancelled = client.watch();
  await cancelled.untilSaid(1);
  await using raw = await RawClient.connect(rig.port);
  const head = `POST ${WATCH} HTTP/1.1\r\nHost: x\r\n` +
    "Content-Type: application/connect+json\r\nContent-Length: 7\r\n\r\n";
  raw.send(Buffer.concat([Buffer.from(head), Buffer.from([0, 0, 0, 0, 2, 0x7b, 0x7d])]));
  await raw.untilText(/SERVING/);
  assert.equal(open(), 1, "one look at the oracle for both");
  await cancelled.cancel();
  raw.reset();
  await until("the end of the watch", () => open() === 0);
});

const TRANSPORTS = [["Connect", createConnectTransport], [
  "gRPC-Web",
  createGrpcWebTransport,
]] as const;

for (const [name, createTransport] of TRANSPORTS) {
  for (const http2 of [false, true]) {
    ioTest(
      `Watch over ${name} on HTTP/${http2 ? 2 : 1.1} sends each status as it comes`,
      async () => {
        await using rig = await ServerRig.start({ corsOrigins: ["*"] });
        using http = Deno.createHttpClient({ http1: !http2, http2 });
        const client = createClient(
          Health,
          createTransport({
            baseUrl: rig.url(""),
            fetch: (input, init) => fetch(input, { ...init, client: http }),
          }),
        );
        const stop = new AbortController();
        const watch = client.watch({}, { signal: stop.signal })[Symbol.asyncIterator]();
        const next = async () => (await soon("a status", watch.next())).value?.status;
        assert.equal(await next(), ServingStatus.SERVING);
        rig.node.driver.announce({ kind: "unknown" });
        assert.equal(await next(), ServingStatus.NOT_SERVING);
        stop.abort();
        await assert.rejects(watch.next());
      },
    );
  }
}

/** How many watches of the oracle are open from here on. */
function countWatches({ node: { oracle } }: ServerRig): () => number {
  let open = 0;
  const watchState = oracle.watchState.bind(oracle);
  oracle.watchState = async function* (options) {
    open += 1;
    try {
      yield* watchState(options);
    } finally {
      open -= 1;
    }
  };
  return () => open;
}
