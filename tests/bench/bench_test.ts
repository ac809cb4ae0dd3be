// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer } from "node:http2";
import type { ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import type { Protocol } from "../../bench/load/connection.ts";
import { PROTOCOLS } from "../../bench/load/connection.ts";
import { runPlan } from "../../bench/load/main.ts";
import type { CellResult } from "../../bench/load/plan.ts";
import { CONCURRENCIES } from "../../bench/network.ts";
import type { Report } from "../../bench/report.ts";
import { faultsOf, formatReport } from "../../bench/report.ts";
import { lastingPort } from "../_support/lasting_port.ts";
import { ioTest } from "../_support/levels.ts";

/** Each caller ends at its first failure or wrong answer, long before the time is over. */
const PLAN = { rounds: 1, warmUpMs: 0, measureMs: 30_000, count: 1 } as const;

function nameOf({ protocol, concurrency }: CellResult): string {
  return `${protocol} x ${concurrency}`;
}

ioTest("deno task bench --quick measures every protocol at every concurrency", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "bench/main.ts", "--quick", "--json", "--dir", directory],
      stdin: "null",
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const report: Report = JSON.parse(new TextDecoder().decode(stdout));
    const expected = PROTOCOLS.flatMap((protocol) =>
      CONCURRENCIES.map((n) => `${protocol} x ${n}`)
    );
    assert.deepEqual(report.protocols.cells.map(nameOf), expected);
    assert.deepEqual(faultsOf(report), []);
    for (const { median } of Object.values(report.inProcess)) assert.ok(median > 0);
    const [still, ahead, demand] = report.pauses;
    assert.equal(still?.extensions, 0);
    for (const arm of [ahead, demand]) assert.ok((arm?.extensions ?? 0) > 0, `${arm?.name}`);
    assert.deepEqual(
      report.clientMatrix.map(({ driver, callers, batch }) => [driver, callers, batch]),
      [
        ["memory", 16, 4],
        ["file", 16, 4],
      ],
    );
    for (const { callsPerSecond, checked } of report.clientMatrix) {
      assert.ok(callsPerSecond > 0 && checked > 0);
    }
    for (const { callers, calls } of report.clientAlone) assert.ok(calls.median > 0, `${callers}`);
    for (const { arm, callers, perSecond } of report.sequences) {
      assert.ok(perSecond > 0, `${arm} x ${callers}`);
    }
    assert.match(formatReport(report), /gRPC-Web, HTTP\/1\.1 +\| +deno \| +256/);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(directory)), []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

for (const protocol of PROTOCOLS) {
  ioTest(`runPlan() counts no answer of a server that fails, over ${protocol}`, async () => {
    await using server = await startRefusingServer(protocol);
    const cell = { target: "refusing", port: server.port, protocol, concurrency: 3 };
    const { cells: [result], checkedAnswers } = await runPlan({ ...PLAN, cells: [cell] });
    assert.equal(result?.requests, 0);
    assert.equal(result.errors, 3);
    assert.match(result.firstError ?? "", server.says);
    assert.equal(checkedAnswers, 0);
  });
}

ioTest("runPlan() reports a server that nobody reaches", async () => {
  const port = lastingPort();
  const cell = { target: "gone", port, protocol: "grpc", concurrency: 2 } as const;
  const { cells: [result] } = await runPlan({ ...PLAN, cells: [cell] });
  assert.equal(result?.errors, 2);
  assert.match(result.firstError ?? "", /ECONNREFUSED/);
});

ioTest("runPlan() finds a server that grants everything twice", async () => {
  await using server = startRepeatingServer();
  const { port } = server;
  const cell = { target: "repeating", port, protocol: "connect-json", concurrency: 3 } as const;
  const { cells: [result], violations } = await runPlan({ ...PLAN, cells: [cell] });
  assert.equal(violations, 3);
  assert.equal(result?.errors, 3);
  assert.match(result.firstError ?? "", /was given/);
});

function startRepeatingServer() {
  let answers = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    const logicalStart = answers++ >> 1;
    return Response.json({ physicalMs: "1800000000000", logicalStart, count: 1 });
  });
  return { port: server.addr.port, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** Answers in the shape of the protocol, with an error in it. */
async function startRefusingServer(protocol: Protocol) {
  return protocol === "grpc" ? await refuseGrpc() : refuseHttp(protocol);
}

function refuseGrpc() {
  const server = createServer();
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "9" }, {
      endStream: true,
    });
  });
  return new Promise<RefusingServer>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      const close = () => new Promise<void>((closed) => server.close(() => closed()));
      resolve({ port, says: /grpc-status 9/, [Symbol.asyncDispose]: close });
    });
  });
}

function refuseHttp(protocol: Exclude<Protocol, "grpc">): RefusingServer {
  const answer = protocol === "grpc-web"
    ? () => new Response(Buffer.from("\0\0\0\0\0\x80\0\0\0\x0egrpc-status: 9", "latin1"))
    : () => Response.json({ code: "failed_precondition" }, { status: 400 });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  return {
    port: server.addr.port,
    says: protocol === "grpc-web" ? /grpc-status: 9/ : /HTTP 400/,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

interface RefusingServer extends AsyncDisposable {
  readonly port: number;
  readonly says: RegExp;
}
