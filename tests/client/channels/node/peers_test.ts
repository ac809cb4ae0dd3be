// SPDX-License-Identifier: Apache-2.0

import type { handleUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connectGrpc } from "../../../../src/client/channels/node/node_channel.ts";
import { MemoryDriver } from "../../../../src/drivers/memory/mod.ts";
import { GetTsRequestSchema, GetTsResponseSchema } from "../../../../src/gen/tsoracle/v1/tso_pb.ts";
import { EDGE_NAMES } from "../../../../src/net/edge.ts";
import { Oracle } from "../../../../src/server/oracle.ts";
import { makeCertificates } from "../../../_support/certs.ts";
import { loadGrpcJs } from "../../../e2e/_support/grpc_js.ts";
import { ioTest, scaled } from "../../../_support/levels.ts";
import { callsOn } from "./_support/transports.ts";

const CALLS = scaled(300, 20_000);

for (const edge of EDGE_NAMES) {
  for (const scheme of ["http", "https"]) {
    ioTest(
      `connectGrpc() calls the oracle over ${scheme} on the edge ${edge}, many at a time`,
      async () => {
        const { serve } = await import("../../../../src/net/mod.ts");
        const { caPem, server: identity } = await makeCertificates();
        const tls = scheme === "https" ? { tls: identity } : {};
        await using oracle = new Oracle({ driver: new MemoryDriver(), heartbeatIntervalMs: 0 });
        await using server = await serve(oracle, { port: 0, edge, ...tls });
        const channel = connectGrpc({
          origin: `${scheme}://${server.address}`,
          tls: scheme === "https" ? { ca: caPem } : undefined,
        });
        try {
          const { getTs, getSeqBatch, getCurrentMaxSafe } = callsOn(channel);
          const seen = new Set<string>();
          const calls = Array.from({ length: CALLS }, async () => {
            const { physicalMs, logicalStart } = await getTs({ count: 1 }, { timeoutMs: 20_000 });
            seen.add(`${physicalMs} ${logicalStart}`);
          });
          await Promise.all(calls);
          assert.equal(seen.size, CALLS);
          const entries = Array.from(
            { length: 128 },
            (_, i) => ({ key: `${i}`.repeat(40), count: 1 }),
          );
          assert.equal((await getSeqBatch({ entries })).grants.length, 128);
          assert((await getCurrentMaxSafe({})).maxSafePhysicalMs > 0n);
          await assert.rejects(getTs({ count: 0 }), { code: Code.InvalidArgument });
        } finally {
          channel.close();
        }
      },
    );
  }
}

function same(bytes: Buffer): Buffer {
  return bytes;
}

/** GetTs as @grpc/grpc-js serves it. */
const SERVICE = {
  getTs: {
    path: "/tsoracle.v1.TsoService/GetTs",
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
} as const;

ioTest(
  "connectGrpc() calls a server of @grpc/grpc-js, many at a time and one after the other",
  async () => {
    let calls = 0;
    const getTs: handleUnaryCall<Buffer, Buffer> = ({ request, metadata }, answer) => {
      const { count } = fromBinary(GetTsRequestSchema, request);
      if (count === 13) return answer({ code: 9, details: "nicht führend", metadata });
      const message = create(GetTsResponseSchema, { physicalMs: BigInt(++calls), count });
      answer(null, Buffer.from(toBinary(GetTsResponseSchema, message)));
    };
    const { Server, ServerCredentials } = await loadGrpcJs();
    const server = new Server();
    server.addService(SERVICE, { getTs } as UntypedServiceImplementation);
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      })
    );
    const channel = connectGrpc({ origin: `http://127.0.0.1:${port}`, tls: undefined });
    try {
      const stub = callsOn(channel);
      const many = Array.from({ length: CALLS }, () => stub.getTs({ count: 2 }));
      const answers = await Promise.all(many);
      assert.equal(new Set(answers.map(({ physicalMs }) => physicalMs)).size, CALLS);
      for (let i = 0; i < 50; i++) assert.equal((await stub.getTs({ count: 2 })).count, 2);
      const refused = { code: Code.FailedPrecondition, rawMessage: "nicht führend" };
      await assert.rejects(stub.getTs({ count: 13 }), refused);
    } finally {
      channel.close();
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    }
  },
);
