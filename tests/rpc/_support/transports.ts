// SPDX-License-Identifier: Apache-2.0

import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { EDGE } from "../../_support/edge.ts";
import { serve } from "../../../src/net/mod.ts";
import { createFetchHandler } from "../../../src/rpc/fetch_handler.ts";
import { ioTest } from "../../_support/levels.ts";
import type { OracleRig } from "../../_support/oracle_rig.ts";
import { checkRow } from "./matrix.ts";
import type { MatrixRow } from "./matrix.ts";

type Connect = (rig: OracleRig) => Promise<Transport & AsyncDisposable>;

/** Connect speaks JSON, gRPC-Web protobuf. */
const IN_MEMORY = [createConnectTransport, createGrpcWebTransport] as const;

/** Declares a test of each row over Connect and gRPC-Web in memory, and over gRPC on a socket. */
export function testMatrix(rows: readonly MatrixRow[]): void {
  for (const row of rows) {
    Deno.test(row.name, async () => {
      for (const create of IN_MEMORY) await checkRow(row, inMemory(create));
    });
  }
  for (const row of rows) {
    ioTest(`${row.name} (gRPC)`, async () => await checkRow(row, overSocket));
  }
}

function inMemory(create: typeof IN_MEMORY[number]): Connect {
  return (rig) => {
    const handle = createFetchHandler(rig.oracle);
    const fetch: typeof globalThis.fetch = (input, init) => handle(new Request(input, init));
    const transport = create({ baseUrl: "http://oracle.test", fetch });
    return Promise.resolve({ ...bound(transport), [Symbol.asyncDispose]: async () => {} });
  };
}

async function overSocket(rig: OracleRig): Promise<Transport & AsyncDisposable> {
  const { createGrpcTransport, Http2SessionManager } = await import("@connectrpc/connect-node");
  const server = await serve(rig.oracle, { port: 0, edge: EDGE, shutdownGraceMs: 0 });
  const baseUrl = `http://${server.address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport = createGrpcTransport({ baseUrl, sessionManager });
  return {
    ...bound(transport),
    async [Symbol.asyncDispose]() {
      sessionManager.abort();
      await server.close();
    },
  };
}

function bound(transport: Transport): Transport {
  return { unary: transport.unary.bind(transport), stream: transport.stream.bind(transport) };
}
