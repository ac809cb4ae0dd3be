// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { makeCertificates } from "../_support/certs.ts";
import { ioTest } from "../_support/levels.ts";
import { framesOf, hello, initialWindow, settingsAck, TYPE } from "../net/_support/h2_frames.ts";
import { openCall, wholeCall } from "../net/_support/hostile_peers.ts";
import { RawClient } from "../net/_support/raw_client.ts";
import { until } from "../net/_support/until.ts";
import { ChildCli, DENO_CLI, ROOT } from "./_support/child_cli.ts";
import { halfSentCall } from "./_support/half_sent_call.ts";
import { hangDisk, HASTY } from "./_support/hang_disk.ts";
import { runCli } from "./_support/run_cli.ts";
import { tempDir } from "./_support/temp_dir.ts";

const SERVING = /^serving on (127\.0\.0\.1:\d+)$/m;

/** Flags for a server on free ports with its state in a directory. */
function serveFlags(directory: string): readonly string[] {
  return ["--listen", "127.0.0.1:0", "--no-metrics", "--state-dir", directory];
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  ioTest(`tsoracle serve, a process, serves, and ends with 0 after one ${signal}`, async () => {
    await using dir = await tempDir();
    await using server = new ChildCli(["serve", ...serveFlags(dir.path)]);
    const [, address = ""] = await server.until(SERVING);
    const got = await ChildCli.run(["get", "--count", "2"], {
      env: { TSORACLE_ENDPOINT: address },
    });
    assert.deepEqual([got.code, got.stderr], [0, ""]);
    assert.match(got.stdout, /^[0-9]+\n[0-9]+\n$/);
    server.signal(signal);
    const end = await server.end();
    assert.deepEqual([end.code, end.signal], [0, null]);
    assert.equal(end.stdout, `serving on ${address}\n`);
  });
}

for (const [signal, code] of [["SIGTERM", 143], ["SIGINT", 130]] as const) {
  ioTest(
    `tsoracle serve ends with ${code} when a second ${signal} finds a stuck call`,
    async () => {
      await using dir = await tempDir();
      const grace = ["--shutdown-grace", "1h", "--request-timeout", "1h"];
      await using server = new ChildCli(["serve", ...serveFlags(dir.path), ...grace]);
      const [, address = ""] = await server.until(SERVING);
      await using _call = await halfSentCall(address);
      server.signal(signal);
      await server.until(/stopping/);
      server.signal(signal);
      const end = await server.end();
      assert.deepEqual([end.code, end.signal], [code, null]);
    },
  );
}

ioTest("tsoracle serve ends with 0 after its grace, whatever clients leave half done", async () => {
  await using dir = await tempDir();
  const grace = ["--shutdown-grace", "50ms", "--request-timeout", "1h"];
  await using server = new ChildCli(["serve", ...serveFlags(dir.path), ...grace]);
  const [, address = ""] = await server.until(SERVING);
  const port = Number(new URL(`http://${address}`).port);
  const greeting = Buffer.concat([hello(), settingsAck()]);
  await using halfRead = await RawClient.connect(port);
  halfRead.send(Buffer.concat([greeting, initialWindow(5), wholeCall(0)]));
  await using halfSent = await RawClient.connect(port);
  halfSent.send(Buffer.concat([greeting, wholeCall(0), openCall(1).subarray(0, 20)]));
  await using asleep = await RawClient.connect(port);
  asleep.send(greeting);
  for (const client of [halfRead, halfSent]) {
    await until("a body", () => framesOf(client.received).some(({ type }) => type === TYPE.data));
  }
  asleep.sleep();
  server.signal("SIGTERM");
  const end = await server.end();
  assert.deepEqual([end.code, end.signal], [0, null]);
});

ioTest("tsoracle serve ends with 1 after its grace when the disk hangs", async () => {
  await using dir = await tempDir();
  await using server = new ChildCli(["serve", ...serveFlags(dir.path), ...HASTY]);
  const [, address = ""] = await server.until(SERVING);
  await hangDisk(dir.path, address);
  server.signal("SIGTERM");
  const end = await server.end();
  assert.deepEqual([end.code, end.signal], [1, null]);
  assert.match(end.stderr, /a write still waits for its answer/);
  assert.match(end.stderr, /^error: Cannot unlock .* within 50ms: a write still waits/m);
});

ioTest("tsoracle, a process, ends with 2 for wrong usage and with 1 for a failure", async () => {
  const wrong = await ChildCli.run(["serve", "--lisen", "x"]);
  assert.equal(wrong.code, 2);
  assert.equal(
    wrong.stderr,
    "error: Cannot use --lisen: there is no such flag; did you mean --listen?\n",
  );
  const failed = await ChildCli.run(["get", "--endpoint", "127.0.0.1:1"]);
  assert.equal(failed.code, 1);
  assert.match(
    failed.stderr,
    /^error: Cannot get a timestamp from 127\.0\.0\.1:1: nothing listens/,
  );
});

ioTest("tsoracle serve goes on when the reader of its log has gone", async () => {
  await using dir = await tempDir();
  const [program, ...before] = DENO_CLI;
  await using server = new Deno.Command(program, {
    args: [...before, "serve", ...serveFlags(dir.path), "--heartbeat-interval", "1ms"],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await server.stderr.cancel();
  const lines = server.stdout.pipeThrough(new TextDecoderStream());
  const address = (await Array.fromAsync(firstOf(lines)))[0]?.match(SERVING)?.[1] ?? "";
  for (let call = 0; call < 5; call++) {
    assert.equal((await runCli(["get", "--endpoint", address])).code, 0);
  }
  server.kill("SIGTERM");
  assert.equal((await server.status).code, 0);
});

async function* firstOf(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) {
    yield line;
    return;
  }
}

ioTest("deno task serve takes any folder, certificate and address and never asks", async () => {
  await using dir = await tempDir();
  const certs = await makeCertificates();
  const ca = await dir.write("ca.pem", certs.caPem);
  const cert = await dir.write("cert.pem", certs.server.certPem);
  const key = await dir.write("key.pem", certs.server.keyPem);
  const addresses = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"];
  const files = ["--state-dir", dir.at("deep/folder"), "--tls-cert", cert, "--tls-key", key];
  await using server = new ChildCli([...addresses, ...files], {
    program: [Deno.execPath(), "task", "--quiet", "serve"],
  });
  const [, address = ""] = await server.until(SERVING);
  const got = await runCli(["get", "--endpoint", address, "--tls-ca", ca]);
  assert.deepEqual([got.code, got.stderr], [0, ""]);
  server.signal("SIGTERM");
  const { code, stderr } = await server.end();
  assert.equal(code, 0);
  assert.doesNotMatch(stderr, /permission|prompt|allow|error/i);
});
