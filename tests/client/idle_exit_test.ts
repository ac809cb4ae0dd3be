// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { MemoryDriver } from "../../src/drivers/memory/mod.ts";
import { Oracle } from "../../src/server/oracle.ts";
import { ioTest } from "../_support/levels.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CHILD = "tests/client/_children/take_and_forget.ts";
const GIVES_UP = "tests/client/_children/give_up.ts";
const WAYS = ["close", "timeout", "signal", "sequence"];
/** More connections than wait in the queue of a listener. */
const CROWD = 2_000;
const LIMIT_MS = 60_000;

/** Runs a program to its end, which has to come by itself. @returns what it printed */
async function runToEnd(program: string, args: readonly string[]): Promise<string> {
  const command = new Deno.Command(program, {
    args: [...args],
    cwd: ROOT,
    stdin: "null",
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  const { code, signal, stdout, stderr } = await command.output();
  const errors = new TextDecoder().decode(stderr);
  assert.deepEqual({ code, signal, errors }, { code: 0, signal: null, errors: "" });
  return new TextDecoder().decode(stdout);
}

async function withServer(work: (address: string) => Promise<void>): Promise<void> {
  const { serve } = await import("../../src/net/mod.ts");
  await using oracle = new Oracle({ driver: new MemoryDriver(), heartbeatIntervalMs: 0 });
  await using server = await serve(oracle, { port: 0 });
  await work(server.address);
}

for (const entry of ["node", "web"]) {
  ioTest(
    `TsoClient over ${
      entry === "web" ? "gRPC-Web" : "gRPC"
    } does not keep Deno alive while it is idle`,
    () =>
      withServer(async (address) => {
        const args = ["run", "--quiet", "--allow-all", CHILD, address, entry];
        assert.match(await runToEnd(Deno.execPath(), args), /^\d{18}\n$/);
      }),
  );
}

ioTest("TsoClient does not keep Node alive while it is idle", async () => {
  const directory = await Deno.makeTempDir({ prefix: "tsoracle-" });
  try {
    const file = join(directory, "child.mjs");
    await runToEnd(Deno.execPath(), ["bundle", "--quiet", "--output", file, CHILD]);
    await withServer(async (address) => {
      for (const entry of ["node", "web"]) {
        assert.match(await runToEnd("node", [file, address, entry]), /^\d{18}\n$/);
      }
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

/** An address whose packets get no answer: nobody accepts, and the queue is full. */
async function withoutAnswer(work: (address: string) => Promise<void>): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const crowd: Socket[] = [];
  try {
    let isFull = false;
    while (!isFull && crowd.length < CROWD) {
      const socket = connect(port, "127.0.0.1").on("error", () => {});
      crowd.push(socket);
      isFull = await Promise.race([once(socket, "connect").then(() => false), delay(500, true)]);
    }
    assert.ok(isFull, "the queue takes everybody");
    await work(`127.0.0.1:${port}`);
  } finally {
    for (const socket of crowd) socket.destroy();
    listener.close();
  }
}

ioTest(
  "TsoClient lets Deno end soon after a dial that nothing came of was given up",
  () =>
    withoutAnswer(async (address) => {
      for (const how of WAYS) {
        const args = ["run", "--quiet", "--allow-all", GIVES_UP, address, how];
        assert.equal(await runToEnd(Deno.execPath(), args), "gave up", how);
      }
    }),
);

ioTest("TsoClient lets Node end soon after a dial that nothing came of was given up", async () => {
  const directory = await Deno.makeTempDir({ prefix: "tsoracle-" });
  try {
    const file = join(directory, "child.mjs");
    await runToEnd(Deno.execPath(), ["bundle", "--quiet", "--output", file, GIVES_UP]);
    await withoutAnswer(async (address) => {
      for (const how of WAYS) {
        assert.equal(await runToEnd("node", [file, address, how]), "gave up", how);
      }
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
