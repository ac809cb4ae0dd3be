// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { makeCertificates } from "../../_support/certs.ts";
import { POSTGRES_MISSING, PostgresServer } from "../../_support/engines/postgres_server.ts";
import { ioTestNeeding } from "../../_support/levels.ts";

const SCRIPT = fileURLToPath(new URL("../_children/postgres_child.ts", import.meta.url));
const ENDPOINT = { host: "10.0.0.7", port: 50_551 };

/** The child as one file, for as long as it is in scope. */
async function bundle(): Promise<{ readonly file: string } & AsyncDisposable> {
  const directory = await Deno.makeTempDir({ prefix: "tsoracle-" });
  const file = `${directory}/postgres_child.mjs`;
  const args = ["bundle", "--quiet", "--output", file, SCRIPT];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return { file, [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }) };
}

/** Runs a child on Node to its end. */
function runOnNode(
  file: string,
  options: unknown,
  between?: () => Promise<void>,
): Promise<readonly Record<string, string>[]> {
  return runChild(["node", file], options, between);
}

/**
 * Runs a child to its end.
 *
 * @param between is called once it leads and has written
 * @returns the lines that it printed
 */
async function runChild(
  [program, ...args]: readonly [string, ...string[]],
  options: unknown,
  between: () => Promise<void> = () => Promise.resolve(),
): Promise<readonly Record<string, string>[]> {
  const child = new Deno.Command(program, {
    args: [...args, JSON.stringify(options)],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines: Record<string, string>[] = [];
  let text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      lines.push(JSON.parse(text.slice(0, end)));
      text = text.slice(end + 1);
      if (lines.length > 1) continue;
      await between();
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode("go on\n")).catch(() => {});
      await writer.close().catch(() => {});
    }
  }
  assert.equal((await child.status).code, 0);
  return lines;
}

ioTestNeeding(
  POSTGRES_MISSING,
  "PostgresDriver on Node leads and writes, one term after the other, and ends by itself",
  async () => {
    await using server = await PostgresServer.start();
    await using bundled = await bundle();
    const options = { urls: [server.url()], endpoint: ENDPOINT, leaseMs: 4_000 };
    const epoch = (term: number) => String((1n << 64n) + BigInt(term));
    const highWaterMs = 1_700_000_000_000;
    assert.deepEqual(await runOnNode(bundled.file, options), [
      { epoch: epoch(1), highWaterMs, start: "0" },
      { code: "written" },
    ]);
    assert.deepEqual(await runOnNode(bundled.file, options), [
      { epoch: epoch(2), highWaterMs: highWaterMs + 1, start: "5" },
      { code: "written" },
    ]);
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "PostgresDriver on Node: a paused server costs a call its deadline, and a killed connection is mended",
  async () => {
    await using server = await PostgresServer.start();
    await using bundled = await bundle();
    const options = { urls: [server.url()], endpoint: ENDPOINT, callTimeoutMs: 2_000 };
    const [, paused] = await runOnNode(bundled.file, options, () => server.pause());
    assert.equal(paused?.["code"], "transient");
    server.resume();
    const [first, second] = await runOnNode(
      bundled.file,
      { ...options, callTimeoutMs: 30_000 },
      async () => {
        await server.killSessions();
        await server.until(
          "select count(*) > 0 from pg_stat_activity where application_name = 'tsoracle'",
          "t",
        );
      },
    );
    assert.equal(first?.["start"], "5");
    assert.equal(second?.["code"], "written");
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "PostgresDriver on Node speaks TLS, and refuses a server that it does not know",
  async () => {
    const { caPem, clientCaPem, server: identity } = await makeCertificates();
    await using server = await PostgresServer.start({
      access: ["hostssl all tso 127.0.0.1/32 trust", "hostnossl all tso 127.0.0.1/32 reject"],
    });
    await server.sql("create role tso login");
    await server.sql("grant create on database postgres to tso");
    await server.writeData("server.crt", identity.certPem);
    await server.writeData("server.key", identity.keyPem);
    await server.set("ssl", "on");
    await using bundled = await bundle();
    const options = { urls: [server.url("tso")], endpoint: ENDPOINT };
    const [known] = await runOnNode(bundled.file, { ...options, tls: { caPem } });
    assert.equal(known?.["start"], "0");
    for (const tls of [true, { caPem: clientCaPem }]) {
      const [refused] = await runOnNode(bundled.file, { ...options, tls });
      assert.equal(refused?.["code"], "permanent");
      assert.match(refused?.["message"] ?? "", /with TLS/);
    }
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "PostgresDriver on Deno needs the permission to reach its server, and no other",
  async () => {
    await using server = await PostgresServer.start();
    const options = { urls: [server.url()], endpoint: ENDPOINT };
    const deno = [Deno.execPath(), "run", "--quiet", "--no-check", "--no-prompt"] as const;
    const [led] = await runChild([...deno, "--allow-net=127.0.0.1", SCRIPT], options);
    assert.equal(led?.["start"], "0");
    const [refused] = await runChild([...deno, SCRIPT], options);
    assert.equal(refused?.["code"], "permanent");
    assert.match(refused?.["message"] ?? "", /--allow-net/);
  },
);
