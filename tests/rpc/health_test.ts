// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Code, createClient, createRouterTransport } from "@connectrpc/connect";
import type { Client } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../src/gen/grpc/health/v1/health_pb.ts";
import { createFetchHandler } from "../../src/rpc/fetch_handler.ts";
import { healthMethods, healthRoutes } from "../../src/rpc/health.ts";
import type { HealthOptions } from "../../src/rpc/health.ts";
import { ReadinessFeed } from "../../src/rpc/readiness_feed.ts";
import { shuttingDown } from "../../src/rpc/status.ts";
import { settle } from "../../src/testing/manual_clock.ts";
import { OracleRig } from "../_support/oracle_rig.ts";
import { fakeSource } from "./_support/fake_source.ts";

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = ServingStatus;
const TSO = "tsoracle.v1.TsoService";

function clientOf(rig: OracleRig, options: HealthOptions = {}): Client<typeof Health> {
  return createClient(Health, createRouterTransport(healthRoutes(rig.oracle, options)));
}

for (const service of ["", TSO]) {
  Deno.test(`healthRoutes() tells the health of ${JSON.stringify(service)}`, async () => {
    await using rig = new OracleRig();
    const client = clientOf(rig);
    const status = async () => (await client.check({ service })).status;
    assert.equal(await status(), NOT_SERVING, "no leader");
    rig.driver.announce({ kind: "follower", leaderEndpoint: { host: "10.0.0.7", port: 50551 } });
    await settle();
    assert.equal(await status(), SERVING, "a follower that knows the leader");
    let certainUntilMs = Infinity;
    await rig.lead(1n, () => certainUntilMs);
    assert.equal(await status(), SERVING, "the leader");
    certainUntilMs = -1;
    assert.equal(await status(), NOT_SERVING, "a leader in doubt");
  });
}

Deno.test("healthRoutes() says NOT_SERVING once the server closes or drains", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const signal = AbortSignal.abort();
  for (const options of [{ closingSignal: signal }, { drainSignal: signal }]) {
    assert.equal((await clientOf(rig, options).check({})).status, NOT_SERVING);
  }
});

for (const service of ["nope", TSO.toLowerCase(), "grpc.health.v1.Health"]) {
  Deno.test(`healthRoutes() finds no service ${service}`, async () => {
    await using rig = new OracleRig();
    await assert.rejects(clientOf(rig).check({ service }), {
      code: Code.NotFound,
      rawMessage: `Cannot tell the health of "${service}": ask for "" or "${TSO}"`,
    });
  });
}

Deno.test("healthRoutes() streams the status, then each change, then its end", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const closing = new AbortController();
  const drain = new AbortController();
  const signals = { closingSignal: closing.signal, drainSignal: drain.signal };
  const watch = clientOf(rig, signals).watch({ service: TSO })[Symbol.asyncIterator]();
  const next = async () => (await watch.next()).value?.status;
  assert.equal(await next(), SERVING);
  rig.driver.announce({ kind: "unknown" });
  assert.equal(await next(), NOT_SERVING);
  await rig.lead(2n);
  assert.equal(await next(), SERVING);
  closing.abort();
  assert.equal(await next(), NOT_SERVING);
  drain.abort();
  await assert.rejects(watch.next(), {
    code: Code.Unavailable,
    rawMessage: "server is shutting down",
  });
});

Deno.test("healthRoutes() streams SERVICE_UNKNOWN once, and stays for a service to come", async () => {
  await using rig = new OracleRig();
  const feed = new ReadinessFeed(rig.oracle);
  const [said, leave] = watchOf(feed, "nope");
  await settle();
  await rig.lead(1n);
  assert.deepEqual(said, [SERVICE_UNKNOWN]);
  assert.equal(feed.watchers, 1);
  await leave();
  assert.equal(feed.watchers, 0);
});

Deno.test("healthRoutes() ends a watch at its deadline", async () => {
  await using rig = new OracleRig();
  const watch = clientOf(rig).watch({}, { timeoutMs: 500 });
  const said: ServingStatus[] = [];
  await assert.rejects(
    async () => {
      for await (const { status } of watch) said.push(status);
    },
    { code: Code.DeadlineExceeded },
  );
  assert.deepEqual(said, [NOT_SERVING]);
});

Deno.test("healthRoutes() takes no more watches than it may, and names the way out", async () => {
  await using rig = new OracleRig();
  await rig.lead(1n);
  const feed = new ReadinessFeed(rig.oracle);
  const methods = healthMethods(feed, 2);
  const [, leaveFirst] = watchOf(feed, "");
  const [, leaveSecond] = watchOf(feed, "nope");
  const { signal } = new AbortController();
  const context = { signal } as Parameters<typeof methods.watch>[1];
  const request = { $typeName: "grpc.health.v1.HealthCheckRequest", service: "" } as const;
  const open = () => methods.watch(request, context)[Symbol.asyncIterator]();
  await assert.rejects(open().next(), {
    code: Code.ResourceExhausted,
    rawMessage:
      "as many clients watch the health as may, 2: ask with Check, or raise the maximum (--max-watches)",
  });
  await leaveFirst();
  const next = open();
  assert.equal((await next.next()).value?.status, SERVING);
  await next.return?.();
  await leaveSecond();
});

Deno.test("healthRoutes() refuses limits that cannot be", () => {
  assert.throws(() => healthRoutes(fakeSource(), { maxWatches: 0 }), RangeError);
  assert.throws(() => healthRoutes(fakeSource(), { maxMessageBytes: 0 }), RangeError);
});

const TRANSPORTS = [["Connect", createConnectTransport], [
  "gRPC-Web",
  createGrpcWebTransport,
]] as const;

for (const [name, createTransport] of TRANSPORTS) {
  Deno.test(`createFetchHandler() serves Check and Watch over ${name}, to the last word`, async () => {
    await using rig = new OracleRig();
    await rig.lead(1n);
    const shutdown = new AbortController();
    const handle = createFetchHandler(rig.oracle, { shutdownSignal: shutdown.signal });
    const client = createClient(
      Health,
      createTransport({
        baseUrl: "http://oracle.test",
        fetch: (input, init) => handle(new Request(input, init)),
      }),
    );
    assert.equal((await client.check({})).status, SERVING);
    const watch = client.watch({})[Symbol.asyncIterator]();
    assert.equal((await watch.next()).value?.status, SERVING);
    shutdown.abort(shuttingDown());
    assert.equal((await watch.next()).value?.status, NOT_SERVING);
    await assert.rejects(watch.next(), { code: Code.Unavailable });
    assert.equal((await client.check({})).status, NOT_SERVING);
  });
}

Deno.test("createFetchHandler() forgets a watch whose answer is thrown away", async () => {
  await using rig = new OracleRig();
  let watches = 0;
  const source = fakeSource({
    async *watchState(options) {
      watches += 1;
      try {
        yield* rig.oracle.watchState(options);
      } finally {
        watches -= 1;
      }
    },
  });
  const response = await createFetchHandler(source)(
    new Request("http://oracle.test/grpc.health.v1.Health/Watch", {
      method: "POST",
      headers: { "content-type": "application/connect+json" },
      body: new Uint8Array([0, 0, 0, 0, 2, 0x7b, 0x7d]),
    }),
  );
  assert.equal(response.status, 200);
  assert.equal(watches, 1);
  await response.body?.cancel();
  await settle();
  assert.equal(watches, 0);
});

/** Watches without Connect in between. */
function watchOf(feed: ReadinessFeed, service: string): [ServingStatus[], () => Promise<void>] {
  const said: ServingStatus[] = [];
  const stop = new AbortController();
  const { watch } = healthMethods(feed);
  const context = { signal: stop.signal } as Parameters<typeof watch>[1];
  const request = { $typeName: "grpc.health.v1.HealthCheckRequest", service } as const;
  const read = (async () => {
    for await (const { status } of watch(request, context)) {
      if (status !== undefined) said.push(status);
    }
  })();
  return [said, async () => {
    stop.abort("gone");
    await assert.rejects(read, (error) => error === "gone");
  }];
}
