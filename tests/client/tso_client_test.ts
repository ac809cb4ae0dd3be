// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import type { ClientOptions } from "../../src/client/options.ts";
import type { BaseTsoClient } from "../../src/client/tso_client.ts";
import { SeqUncertainError, TsoClient, TsoClientError } from "../../src/client/web.ts";
import type { ClientMetrics, Timestamp } from "../../src/client/web.ts";
import { MemoryDriver } from "../../src/drivers/memory/mod.ts";
import { routes } from "../../src/rpc/service.ts";
import { Oracle } from "../../src/server/oracle.ts";
import { ioTest } from "../_support/levels.ts";

/** An oracle and a client of it, without a socket between them. */
class ClientRig implements AsyncDisposable {
  readonly oracle: Oracle;
  readonly client: TsoClient;
  channelsClosed = 0;

  private constructor(options: Partial<ClientOptions>) {
    this.oracle = new Oracle({ driver: new MemoryDriver(), heartbeatIntervalMs: 0 });
    this.client = new TsoClient({
      endpoints: ["oracle.example:1"],
      connect: () => ({
        transport: createRouterTransport(routes(this.oracle)),
        close: () => this.channelsClosed++,
      }),
      ...options,
    });
  }

  static async start(options: Partial<ClientOptions> = {}): Promise<ClientRig> {
    const rig = new ClientRig(options);
    await rig.oracle.untilServing();
    return rig;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.oracle.close();
  }
}

/** Every method, called rightly. */
const CALLS: Readonly<
  Record<string, (client: BaseTsoClient, options?: { signal: AbortSignal }) => Promise<unknown>>
> = {
  getTs: (client, options) => client.getTs(options),
  getTsBatch: (client, options) => client.getTsBatch(5, options),
  getSeq: (client, options) => client.getSeq("orders", 2, options),
  getSeqBatch: (client, options) => client.getSeqBatch([{ key: "orders", count: 2 }], options),
  getCurrentMaxSafe: (client, options) => client.getCurrentMaxSafe(options),
  getSafeFrontier: (client, options) => client.getSafeFrontier(options),
  acquireLease: (client, options) =>
    client.acquireLease({ holder: "a", holderEpoch: 1n, ttlMs: 15_000 }, options),
  renewLease: async (client, options) => {
    const claim = { holder: "b", holderEpoch: 1n, ttlMs: 15_000 };
    const { leaseId } = await client.acquireLease(claim, options);
    return await client.renewLease(leaseId, options);
  },
  releaseLease: (client, options) => client.releaseLease(1, options),
  holdLease: async (client, options) => {
    const lease = await client.holdLease("c", { ttlMs: 15_000, ...options });
    await lease.release();
  },
};

/** Calls everything once and looks at the answers. */
async function useAll(client: BaseTsoClient): Promise<void> {
  const first = await client.getTs();
  const many = await client.getTsBatch(1_000);
  assert.ok(first < many.first);
  assert.equal(many.last.toBigInt() - many.first.toBigInt(), 999n);
  const { epoch } = many;
  assert.deepEqual(await client.getSeq("orders", 10), {
    key: "orders",
    start: 0n,
    count: 10,
    epoch,
  });
  assert.equal((await client.getSeq("orders")).start, 10n);
  const requests = [{ key: "orders", count: 1 }, { key: "bills", count: 2 }];
  assert.deepEqual(await client.getSeqBatch(requests), {
    blocks: [{ key: "orders", start: 11n, count: 1 }, { key: "bills", start: 0n, count: 2 }],
    epoch,
  });
  const safe = await client.getCurrentMaxSafe();
  assert.ok(safe.physicalMs < (await client.getTs()).physicalMs);
  const lease = await client.holdLease("group-a", { ttlMs: 15_000 });
  assert.equal(lease.mayStamp(Date.now()), true);
  const frontier = await client.getSafeFrontier();
  assert.equal(frontier.physicalMs, lease.boundMs);
  await lease.release();
  assert.ok((await client.getSafeFrontier()).physicalMs >= frontier.physicalMs);
  const claim = { holder: new Uint8Array([0, 255]), holderEpoch: 2n ** 64n - 1n, ttlMs: 5_000 };
  const acquired = await client.acquireLease(claim);
  const renewed = await client.renewLease(acquired.leaseId);
  assert.ok(renewed.boundMs >= acquired.boundMs);
  await client.releaseLease(acquired.leaseId);
  await assert.rejects(client.renewLease(acquired.leaseId), {
    code: "refused",
    status: "NOT_FOUND",
  });
}

Deno.test("TsoClient does everything over a transport that was passed in", async () => {
  await using rig = await ClientRig.start();
  await useAll(rig.client);
  assert.equal(rig.client.cachedLeader, "oracle.example:1");
});

for (const entry of ["mod", "web"]) {
  ioTest(`TsoClient of src/client/${entry}.ts does everything against a server`, async () => {
    const { serve } = await import("../../src/net/mod.ts");
    const { TsoClient }: { TsoClient: new (options: ClientOptions) => BaseTsoClient } =
      await import(`../../src/client/${entry}.ts`);
    await using oracle = new Oracle({ driver: new MemoryDriver(), heartbeatIntervalMs: 0 });
    await using server = await serve(oracle, { port: 0 });
    await using client = new TsoClient({ endpoints: [server.address] });
    await useAll(client);
    assert.equal(client.cachedLeader, server.address);
  });
}

Deno.test("TsoClient.getTs() gives no two callers the same, and each more than the call before", async () => {
  await using rig = await ClientRig.start();
  const all: Timestamp[] = [];
  await Promise.all(Array.from({ length: 50 }, async () => {
    let last: Timestamp | undefined;
    for (let round = 0; round < 20; round++) {
      const ts = await rig.client.getTs();
      assert.ok(last === undefined || last < ts);
      last = ts;
      all.push(ts);
    }
  }));
  assert.equal(new Set(all.map(String)).size, 1_000);
});

for (const [name, call] of Object.entries(CALLS)) {
  Deno.test(`TsoClient.${name}() does not begin with a signal that has fired`, async () => {
    await using rig = await ClientRig.start();
    const signal = AbortSignal.abort(new Error("too late"));
    await assert.rejects(call(rig.client, { signal }), { message: "too late" });
  });

  Deno.test(`TsoClient.${name}() ends with its signal`, async () => {
    await using client = new TsoClient({
      endpoints: ["oracle.example:1"],
      connect: () => ({ transport: { unary: hang, stream: hang }, close: () => {} }),
    });
    const control = new AbortController();
    const called = call(client, { signal: control.signal });
    await new Promise((resolve) => setTimeout(resolve, 0));
    const reason = new Error("gone");
    control.abort(reason);
    const error = await called.then(() => undefined, (error: unknown) => error);
    if (!name.startsWith("getSeq")) return assert.equal(error, reason);
    assert.ok(error instanceof SeqUncertainError, String(error));
    assert.equal(error.cause, reason);
  });

  Deno.test(`TsoClient.${name}() fails when the client is closed, under way and later`, async () => {
    const client = new TsoClient({
      endpoints: ["oracle.example:1"],
      connect: () => ({ transport: { unary: hang, stream: hang }, close: () => {} }),
    });
    const called = call(client);
    called.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 0));
    await client.close();
    const code = name.startsWith("getSeq") ? "outcome-unknown" : "closed";
    await assert.rejects(called, { code });
    await assert.rejects(call(client), { code: "closed" });
  });
}

/** A transport that never answers, and heeds nothing. */
function hang(): Promise<never> {
  return new Promise(() => {});
}

Deno.test("TsoClient takes a signal of null for none", async () => {
  await using rig = await ClientRig.start();
  const signal = null as unknown as AbortSignal;
  for (const call of Object.values(CALLS)) await call(rig.client, { signal });
  const lease = await rig.client.holdLease("a", { ttlMs: 5_000, signal });
  await lease.release();
});

Deno.test("TsoClient.getTs() with too short a timeout says which endpoint failed, and how", async () => {
  const refuse = () => Promise.reject(new ConnectError("refused", Code.Unavailable));
  await using client = new TsoClient({
    endpoints: ["oracle.example:1"],
    connect: () => ({ transport: { unary: refuse, stream: refuse }, close: () => {} }),
    retry: { maxAttempts: 100, baseBackoffMs: 5_000 },
    random: () => 0.99,
  });
  const error = await client.getTs({ timeoutMs: 10 }).catch((error: unknown) => error);
  assert.ok(error instanceof TsoClientError);
  assert.deepEqual([error.code, error.endpoint], ["deadline-exceeded", "oracle.example:1"]);
  assert.match(error.message, /10 ms.*oracle\.example:1.*refused/);
  assert.ok(error.cause instanceof TsoClientError && error.cause.code === "unreachable");
});

Deno.test("TsoClient puts one listener on a signal, however many calls share it", async () => {
  await using rig = await ClientRig.start();
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<AbortSignal["addEventListener"]>) => {
    listeners++;
    add(...args);
  };
  await Promise.all(
    Object.entries(CALLS).flatMap(([name, call]) =>
      name === "holdLease" ? [] : Array.from({ length: 5 }, () => call(rig.client, { signal }))
    ),
  );
  // More than one in all, because the last wait of a moment takes it off; never one for each call.
  assert.ok(listeners >= 1 && listeners <= 5, `${listeners} listeners`);
});

Deno.test("TsoClient leaves no listener behind", async () => {
  const rig = await ClientRig.start();
  const { signal } = new AbortController();
  const listeners = new Set<unknown>();
  const [add, remove] = [signal.addEventListener, signal.removeEventListener];
  signal.addEventListener = (...args: Parameters<AbortSignal["addEventListener"]>) => {
    listeners.add(args[1]);
    Reflect.apply(add, signal, args);
  };
  signal.removeEventListener = (...args: Parameters<AbortSignal["removeEventListener"]>) => {
    listeners.delete(args[1]);
    Reflect.apply(remove, signal, args);
  };
  for (const call of Object.values(CALLS)) await call(rig.client, { signal });
  await rig[Symbol.asyncDispose]();
  assert.equal(listeners.size, 0);
});

Deno.test("TsoClient refuses bad arguments before it asks", async () => {
  let opened = 0;
  await using client = new TsoClient({
    endpoints: ["oracle.example:1"],
    connect: () => {
      opened++;
      return { transport: { unary: hang, stream: hang }, close: () => {} };
    },
  });
  const claim = { holder: "a", holderEpoch: 1n, ttlMs: 5_000 };
  const calls = [
    () => client.getTs({ timeoutMs: 0 }),
    () => client.getTs({ timeoutMs: "5" as unknown as number }),
    () => client.getTs({ timeoutMs: null as unknown as number }),
    () => client.getTs({ signal: "stop" as unknown as AbortSignal }),
    () => client.getTs({ signal: new AbortController() as unknown as AbortSignal }),
    () => client.getSeq("a", 1, { timeoutMs: "5" as unknown as number }),
    () => client.getSeq("a", 1, { signal: {} as unknown as AbortSignal }),
    () => client.holdLease("a", { ttlMs: 5_000, signal: {} as unknown as AbortSignal }),
    () => client.holdLease("a", { ttlMs: 5_000, timeoutMs: "5" as unknown as number }),
    () => client.getTsBatch(0),
    () => client.getTsBatch(262_145),
    () => client.getSeq(""),
    () => client.getSeq("x".repeat(129)),
    () => client.getSeq("\ud800"),
    () => client.getSeq("a", 0),
    () => client.getSeq("a", 2 ** 32),
    () => client.getSeq("a", 1, { timeoutMs: NaN }),
    () => client.getSeqBatch([]),
    () => client.getSeqBatch([{ key: "a", count: 1 }, { key: "a", count: 1 }]),
    () => client.acquireLease({ ...claim, holder: "" }),
    () => client.acquireLease({ ...claim, holderEpoch: -1n }),
    () => client.acquireLease({ ...claim, ttlMs: 0.5 }),
    () => client.renewLease(0),
    () => client.releaseLease(NaN),
  ];
  for (const call of calls) {
    await assert.rejects(call, { name: "TsoClientError", code: "invalid-argument" }, String(call));
  }
  assert.equal(opened, 0);
});

Deno.test("TsoClient.close() closes the channels, once and again", async () => {
  const rig = await ClientRig.start();
  await rig.client.getTs();
  await rig.client.close();
  await rig.client.close();
  await rig.client[Symbol.asyncDispose]();
  assert.equal(rig.channelsClosed, 1);
  await rig[Symbol.asyncDispose]();
});

Deno.test("TsoClient.close() releases the leases that are held", async () => {
  const rig = await ClientRig.start();
  const lease = await rig.client.holdLease("a", { ttlMs: 15_000 });
  await rig.client.close();
  assert.equal(lease.signal.aborted, true);
  await assert.rejects(rig.oracle.leases.renew(lease.leaseId), /unknown|no lease|not/i);
  await rig[Symbol.asyncDispose]();
});

Deno.test("TsoClient works with a metrics sink that throws", async () => {
  const metrics: ClientMetrics = {
    count: () => {
      throw new Error("count");
    },
    gauge: () => {
      throw new Error("gauge");
    },
  };
  await using rig = await ClientRig.start({ metrics });
  await useAll(rig.client);
});

Deno.test("TsoClient of ./web refuses certificates, which fetch does not take", () => {
  const options = { endpoints: ["oracle.example:1"], tls: { ca: "PEM" } };
  assert.throws(() => new TsoClient(options), { code: "invalid-argument", message: /fetch/ });
});
