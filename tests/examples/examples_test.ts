// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { ioTest, ioTestNeeding } from "../_support/levels.ts";
import { chromiumTest, openTab } from "../browser/_support/chromium.ts";
import { ETCD_MISSING } from "../_support/engines/etcd_cluster.ts";
import { RunningExample } from "./_support/example.ts";

const SERVING = /^serving on (\S+)$/m;

interface Block {
  readonly physicalMs: string;
  readonly count: number;
}

async function getTs(address: string, count: number): Promise<Block> {
  const answer = await fetch(`http://${address}/tsoracle.v1.TsoService/GetTs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ count }),
  });
  assert.equal(answer.status, 200);
  return await answer.json();
}

ioTest("examples/embed.ts serves on every protocol, and its hint for curl works", async () => {
  await using example = await RunningExample.start("examples/embed.ts", "0");
  const hint = await example.printed(/^try: (curl [^]*GetTs)$/m);
  const curl = new Deno.Command("bash", { args: ["-c", hint], stdin: "null" });
  const { stdout } = await curl.output();
  assert.equal(JSON.parse(new TextDecoder().decode(stdout)).count, 2);
  assert.equal(await example.stop(), 0);
});

ioTest("examples/embed_file.ts goes on above where it ended", async () => {
  const directory = await Deno.makeTempDir({ prefix: "tsoracle-" });
  try {
    const runs: bigint[][] = [];
    for (let run = 0; run < 2; run++) {
      await using example = await RunningExample.start("examples/embed_file.ts", directory);
      assert.equal(await example.finished(), 0);
      runs.push(example.text.trim().split("\n").map(BigInt));
    }
    const [first = [], second = []] = runs;
    assert.equal(first.length, 3);
    assert.equal(second.length, 3);
    assert.ok((second[0] ?? 0n) > (first[2] ?? 0n));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

ioTest(
  "examples/client.ts takes timestamps, ordinals and a lease, and gives the lease back",
  async () => {
    await using example = await RunningExample.start("examples/client.ts");
    assert.equal(await example.finished(), 0);
    const lines = [
      /^1000 timestamps, the first is \d{18}$/,
      /^100000 more, from \d{18} to \d{18}$/,
      /^invoices 0$/,
      /^invoices 1$/,
      /^invoices 2$/,
      /^lease \d{13} is held$/,
      /^no stamps from here on$/,
    ];
    const printed = example.text.trim().split("\n");
    assert.equal(printed.length, lines.length, example.text);
    for (const [index, line] of lines.entries()) assert.match(printed[index] ?? "", line);
  },
);

ioTest(
  "examples/mount_in_connect.ts serves gRPC behind the interceptors of its server",
  async () => {
    const { createClient } = await import("@connectrpc/connect");
    const { createGrpcTransport, Http2SessionManager } = await import("@connectrpc/connect-node");
    const { TsoService } = await import("@tsoracle/tsoracle/proto");
    await using example = await RunningExample.start("examples/mount_in_connect.ts", "0");
    const baseUrl = `http://${await example.printed(SERVING)}`;
    const sessionManager = new Http2SessionManager(baseUrl);
    const client = createClient(TsoService, createGrpcTransport({ baseUrl, sessionManager }));
    assert.equal((await client.getTs({ count: 5 })).count, 5);
    sessionManager.abort();
    assert.equal(await example.stop(), 0);
    assert.match(example.text, /^1 calls$/m);
  },
);

ioTest("examples/deno_serve.ts serves the oracle beside the pages of its server", async () => {
  await using example = await RunningExample.start("examples/deno_serve.ts", "0");
  const address = await example.printed(SERVING);
  assert.equal((await getTs(address, 3)).count, 3);
  assert.equal(await (await fetch(`http://${address}/`)).text(), "an oracle lives here\n");
  assert.equal(await example.stop(), 0);
});

ioTest("examples/browser/serve.ts serves a page and an oracle that lets it call", async () => {
  await using example = await RunningExample.start("examples/browser/serve.ts", "0", "0");
  const page = new URL(await example.printed(/^open (\S+)$/m));
  assert.match(await (await fetch(page)).text(), /page\.js/);
  assert.match(await (await fetch(new URL("/page.js", page))).text(), /TsoService/);
  const oracle = page.searchParams.get("oracle");
  const preflight = await fetch(`${oracle}/tsoracle.v1.TsoService/GetTs`, {
    method: "OPTIONS",
    headers: { "origin": page.origin, "access-control-request-method": "POST" },
  });
  await preflight.body?.cancel();
  assert.equal(preflight.headers.get("access-control-allow-origin"), page.origin);
  assert.equal(await example.stop(), 0);
});

/** Runs in the page: presses its button and waits for the line that this adds. */
async function pressButton(): Promise<string> {
  interface Element {
    readonly textContent: string;
    click(): void;
  }
  const { document } = globalThis as unknown as {
    readonly document: { querySelector(selector: string): Element | null };
  };
  document.querySelector("button")?.click();
  for (let look = 0; look < 1_000 && document.querySelector("li") === null; look++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return document.querySelector("li")?.textContent ?? "no line was added";
}

chromiumTest("the button of examples/browser shows a timestamp", async (program) => {
  await using example = await RunningExample.start("examples/browser/serve.ts", "0", "0");
  await using tab = await openTab(program);
  await tab.goto(await example.printed(/^open (\S+)$/m));
  assert.match(await tab.evaluate(pressButton, undefined), /^\d{18}$/);
  assert.equal(await example.stop(), 0);
});

ioTest("every example is run here", async () => {
  const folder = new URL("../../examples/", import.meta.url);
  const source = await Deno.readTextFile(new URL(import.meta.url));
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (name.startsWith("_")) continue;
    const paths = isDirectory
      ? ["main", "serve"].map((program) => `examples/${name}/${program}.ts`)
      : [`examples/${name}`];
    const isRun = paths.some((path) => source.includes(`RunningExample.start("${path}"`));
    assert.ok(isRun, paths.join(" or "));
  }
});

ioTestNeeding(
  ETCD_MISSING,
  "examples/cluster/main.ts shows how another node takes over from a leader that is killed",
  async () => {
    await using example = await RunningExample.start("examples/cluster/main.ts");
    const first = await example.printed(/^oracle-\d leads on \S+: kill -9 (\d+);/m);
    await example.printed(/^( {2}\d+ timestamps, .* 0 failed, the latest is \d+)$/m);
    Deno.kill(Number(first), "SIGKILL");
    await example.printed(/^(oracle-\d) has ended with 137; it is started again in 3 s$/m);
    const second = await example.printed(/leads on [^]*leads on \S+: kill -9 (\d+);/m);
    assert.notEqual(second, first);
    assert.equal(await example.stop(), 0);
    const pids = [...example.text.matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid));
    assert(pids.length >= 6);
    for (const pid of pids) {
      assert.throws(
        () => Deno.kill(pid, "SIGCONT"),
        `${pid} is left running`,
      );
    }
  },
);
