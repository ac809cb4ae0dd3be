// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { loadGrpcJs } from "../e2e/_support/grpc_js.ts";
import { canRun, ioTest, ioTestNeeding, scaled } from "../_support/levels.ts";
import { H2Client } from "../net/_support/h2_client.ts";
import { RawClient } from "../net/_support/raw_client.ts";
import { soon, until } from "../net/_support/until.ts";
import { EchoServer } from "./_support/echo_server.ts";

const noCurl = await canRun("curl") ? undefined : "needs curl";
const noH2load = await canRun("h2load") ? undefined : "needs h2load (nghttp2-client)";

async function run(program: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

ioTest("node:http2 gets its bodies back, small and large, many at a time", async () => {
  await using server = await EchoServer.start();
  await using client = new H2Client(server.url);
  const sizes = [0, 1, 16_384, 16_385, 65_535, 300_000, ...Array<number>(60).fill(7)];
  const answers = await Promise.all(sizes.map((size, i) => {
    const headers = { "x-call": String(i), "grpc-timeout": `${i}S` };
    return client.call({ path: "/", headers, body: Buffer.alloc(size, i) });
  }));
  answers.forEach(({ headers, trailers, body, rstCode }, i) => {
    assert.equal(headers[":status"], 200);
    assert.equal(trailers["x-end"], "yes");
    assert.equal(rstCode, 0);
    const expected = sizes[i] === 0 ? Buffer.from("hello") : Buffer.alloc(sizes[i] ?? 0, i);
    assert(body.equals(expected), `of ${sizes[i]} bytes`);
  });
  client.session.close();
  await soon("the end of the connection", client.closed);
  assert.deepEqual(server.faults, []);
});

ioTest(
  "node:http2 makes thousands of calls one after the other",
  async () => {
    await using server = await EchoServer.start();
    await using client = new H2Client(server.url);
    for (let i = 0; i < scaled(2_000, 50_000); i++) {
      const { body } = await client.call({ path: "/", body: Buffer.from("ping") });
      assert.equal(body.toString(), "ping");
    }
  },
);

ioTest("node:http2 may leave in the middle of its calls", async () => {
  await using server = await EchoServer.start();
  for (let i = 0; i < 10; i++) {
    const client = new H2Client(server.url);
    const calls = Array.from({ length: 50 }, () => {
      return client.call({ path: "/", body: Buffer.alloc(1_000), end: false });
    });
    await client.call({ path: "/", body: Buffer.from("a") });
    await client[Symbol.asyncDispose]();
    await Promise.all(calls);
  }
  await until("no stream", () => server.connections.every(({ streams }) => streams === 0));
  assert.deepEqual(server.faults, []);
});

ioTest("@grpc/grpc-js streams both ways", async () => {
  await using server = await EchoServer.start();
  const { Client, credentials } = await loadGrpcJs();
  const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  const same = (bytes: Buffer) => bytes;
  try {
    const call = client.makeBidiStreamRequest("/a.B/C", same, same);
    call.on("error", () => {});
    const received: string[] = [];
    call.on("data", (message: Buffer) => received.push(message.toString()));
    for (let i = 0; i < 20; i++) {
      call.write(Buffer.from(`message ${i}`));
      await until("its echo", () => received.length === i + 1);
    }
    assert.equal(received.at(-1), "message 19");
    call.end();
    await new Promise((resolve) => call.once("status", resolve));
  } finally {
    client.close();
  }
});

ioTest("thousands of idle connections cost nobody else an answer", async () => {
  await using server = await EchoServer.start();
  const idle: RawClient[] = [];
  for (let i = 0; i < scaled(100, 2_000); i++) idle.push(await RawClient.connect(server.port));
  await using client = new H2Client(server.url);
  const { body } = await client.call({ path: "/", body: Buffer.from("ping") });
  assert.equal(body.toString(), "ping");
  await Promise.all(idle.map((each) => each[Symbol.asyncDispose]()));
});

ioTestNeeding(noCurl, "curl speaks HTTP/2 to it", async () => {
  await using server = await EchoServer.start();
  const args = ["-sS", "--http2-prior-knowledge", "-d", "from curl", "-D", "-", server.url];
  const text = await run("curl", args);
  assert.match(text, /^HTTP\/2 200/);
  assert.match(text, /from curl/);
});

ioTestNeeding(noH2load, "h2load has all its requests answered", async () => {
  await using server = await EchoServer.start();
  const text = await run("h2load", ["-n", "2000", "-c", "4", "-m", "16", server.url]);
  assert.match(text, /2000 succeeded, 0 failed, 0 errored, 0 timeout/);
});
