// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createHandlerContext } from "@connectrpc/connect";
import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import {
  AcquireLeaseRequestSchema,
  GetCurrentMaxSafeRequestSchema,
  GetSafeFrontierRequestSchema,
  GetSeqBatchRequestSchema,
  GetSeqRequestSchema,
  GetTsRequestSchema,
  ReleaseLeaseRequestSchema,
  RenewLeaseRequestSchema,
  TsoService,
} from "../../src/gen/tsoracle/v1/tso_pb.ts";
import type {
  GetCurrentMaxSafeRequest,
  GetCurrentMaxSafeResponse,
  GetTsRequest,
  GetTsResponse,
} from "../../src/gen/tsoracle/v1/tso_pb.ts";
import { routes } from "../../src/rpc/service.ts";
import type { TimestampSource } from "../../src/rpc/timestamp_source.ts";
import { OracleError } from "../../src/server/errors.ts";
import type { CallOptions } from "../../src/server/call_options.ts";
import { recordLogs } from "../_support/logs.ts";
import { Gate } from "../_support/oracle_rig.ts";
import { fakeSource, GRANT, refusingSource } from "./_support/fake_source.ts";

const REQUEST = create(GetTsRequestSchema, { count: 2 });

Deno.test("routes() is what a Connect router takes", () => {
  const mount: (router: ConnectRouter) => void = routes(fakeSource());
  assert.equal(typeof mount, "function");
});

Deno.test("routes() answers without a promise while the window has room", () => {
  const answer = mounted(fakeSource()).getTs(REQUEST, context());
  assert(!(answer instanceof Promise));
  const { $typeName: _, ...fields } = answer;
  assert.deepEqual(fields, {
    physicalMs: 1_700_000_000_000n,
    logicalStart: 5,
    count: 2,
    epochHi: 1n,
    epochLo: 3n,
  });
});

Deno.test("routes() throws a refusal that needs no wait at once", () => {
  const { getTs } = mounted(refusingSource(new OracleError("not-leader", "not leader")));
  assert.throws(() => getTs(REQUEST, context()), { code: Code.FailedPrecondition });
});

Deno.test("routes() waits for a grant that needs an extension", async () => {
  const gate = new Gate();
  const source = fakeSource({ getTs: () => gate.pass().then(() => GRANT) });
  const answer = mounted(source).getTs(REQUEST, context());
  gate.open();
  assert.equal((await answer).physicalMs, 1_700_000_000_000n);
});

Deno.test("routes() turns a late refusal into a status", async () => {
  const refusal = new OracleError("unavailable", "persist: the disk is slow");
  const source = fakeSource({ getTs: () => Promise.reject(refusal) });
  await assert.rejects(async () => await mounted(source).getTs(REQUEST, context()), {
    code: Code.Unavailable,
    rawMessage: "persist: the disk is slow",
  });
});

Deno.test("routes() drops the wait of a caller that has gone", async () => {
  const source = fakeSource({ getTs: (_count, options) => rejectedBy(options?.signal) });
  const caller = new AbortController();
  const answer = mounted(source).getTs(REQUEST, context(caller.signal));
  caller.abort(new ConnectError("the client has gone", Code.Canceled));
  await assert.rejects(async () => await answer, { code: Code.Canceled });
});

Deno.test("routes() answers the safe point", () => {
  const request = create(GetCurrentMaxSafeRequestSchema);
  const answer = mounted(fakeSource()).getCurrentMaxSafe(request, context());
  assert.equal(answer.maxSafePhysicalMs, 1_699_999_999_999n);
  assert.equal(answer.epochHi, 1n);
  assert.equal(answer.epochLo, 3n);
});

Deno.test("routes() logs a fault once with its cause, and not each time it repeats", async () => {
  await using logs = await recordLogs();
  const fault = new TypeError("secret");
  const { getTs } = mounted(refusingSource(fault));
  for (let i = 0; i < 100; i++) {
    assert.throws(() => getTs(REQUEST, context()), { code: Code.Internal });
  }
  const errors = logs.records.filter((record) => record.level === "error");
  assert.equal(errors.length, 1);
  assert.equal(errors[0]?.properties.error, fault);
});

Deno.test("routes() refuses limits that cannot be", () => {
  for (const maxMessageBytes of [0, -1, 1.5, NaN, 2 ** 32]) {
    assert.throws(() => routes(fakeSource(), { maxMessageBytes }), RangeError);
  }
  for (const maxTimeoutMs of [0, 2 ** 31, Infinity]) {
    assert.throws(() => routes(fakeSource(), { maxTimeoutMs }), RangeError);
  }
});

/** Every method that waits, with a request that fits it. */
const WAITING = [
  ["getTs", REQUEST],
  ["getSeq", create(GetSeqRequestSchema, { key: "k", count: 1 })],
  ["getSeqBatch", create(GetSeqBatchRequestSchema)],
  ["acquireLease", create(AcquireLeaseRequestSchema)],
  ["renewLease", create(RenewLeaseRequestSchema)],
  ["releaseLease", create(ReleaseLeaseRequestSchema)],
] as const;

/** A source in which every call waits for what `wait` makes of its signal. */
function waitingSource(wait: (signal: AbortSignal | undefined) => Promise<never>): TimestampSource {
  const call = (_request: unknown, options?: CallOptions) => wait(options?.signal);
  return fakeSource({
    getTs: call,
    sequences: { take: call, takeBatch: call },
    leases: {
      acquire: call,
      renew: call,
      release: call,
      frontier: () => {
        throw new TypeError("secret");
      },
    },
  });
}

for (const [method, request] of WAITING) {
  Deno.test(`routes() lets ${method} know that its caller has gone`, async () => {
    const caller = new AbortController();
    const methods = anyMethods(waitingSource(rejectedBy));
    const answer = methods[method]?.(request, context(caller.signal));
    caller.abort(new ConnectError("the client has gone", Code.Canceled));
    await assert.rejects(async () => await answer, { code: Code.Canceled });
  });

  Deno.test(`routes() hides and logs a fault of ours in ${method}`, async () => {
    await using logs = await recordLogs();
    const fault = new TypeError("secret");
    const methods = anyMethods(waitingSource(() => Promise.reject(fault)));
    await assert.rejects(async () => await methods[method]?.(request, context()), {
      code: Code.Internal,
      rawMessage: "internal error",
    });
    assert(logs.records.some(({ properties }) => properties.error === fault));
  });
}

Deno.test("routes() hides a fault of ours in getSafeFrontier", () => {
  const methods = anyMethods(waitingSource(rejectedBy));
  const request = create(GetSafeFrontierRequestSchema);
  assert.throws(() => methods.getSafeFrontier?.(request, context()), {
    code: Code.Internal,
    rawMessage: "internal error",
  });
});

/** {@linkcode mounted}, for methods that are known by name only. */
function anyMethods(
  source: TimestampSource,
): Record<string, (request: unknown, context: HandlerContext) => unknown> {
  return mounted(source) as object as ReturnType<typeof anyMethods>;
}

/** The methods as they are, without the freedom that Connect gives to an implementation. */
interface Implementation {
  getTs(request: GetTsRequest, context: HandlerContext): GetTsResponse | Promise<GetTsResponse>;
  getCurrentMaxSafe(
    request: GetCurrentMaxSafeRequest,
    context: HandlerContext,
  ): GetCurrentMaxSafeResponse;
}

/** What `routes` mounts. */
function mounted(source: TimestampSource): Implementation {
  let mounted: object | undefined;
  routes(source)({ service: (_, implementation) => mounted = implementation });
  assert(mounted !== undefined);
  return mounted as Implementation;
}

function context(requestSignal?: AbortSignal): HandlerContext {
  return createHandlerContext({
    service: TsoService,
    method: TsoService.method.getTs,
    protocolName: "connect",
    requestMethod: "POST",
    url: "http://oracle.test/",
    ...(requestSignal === undefined ? {} : { requestSignal }),
  });
}

function rejectedBy(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
