// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { VERSION } from "../../src/version.ts";
import { makeCertificates } from "../_support/certs.ts";
import { ioTest } from "../_support/levels.ts";
import { ChildCli } from "./_support/child_cli.ts";
import { halfSentCall } from "./_support/half_sent_call.ts";
import { hangDisk, HASTY } from "./_support/hang_disk.ts";
import { runCli } from "./_support/run_cli.ts";
import type { TempDir } from "./_support/temp_dir.ts";
import { tempDir } from "./_support/temp_dir.ts";

const SERVING = /^serving on (127\.0\.0\.1:\d+)$/m;
const FREE_PORTS = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"] as const;

/** Makes one file of the command line, as `deno task bundle:node` does. */
async function bundleInto(dir: TempDir): Promise<string> {
  const output = dir.at("tsoracle.mjs");
  const args = ["--quiet", "--output", output, "src/cli/main.ts"];
  const { code, stderr } = await ChildCli.run(args, { program: [Deno.execPath(), "bundle"] });
  assert.equal(code, 0, stderr);
  return output;
}

async function checkNodeServes(file: string, dir: TempDir): Promise<void> {
  const node = { program: ["node", file] } as const;
  await using server = new ChildCli(
    ["serve", ...FREE_PORTS, "--state-dir", dir.at("node")],
    node,
  );
  const [, address = ""] = await server.until(SERVING);
  const fromNode = await ChildCli.run(["get", "--endpoint", address], node);
  assert.deepEqual([fromNode.code, fromNode.stderr], [0, ""]);
  const fromDeno = await runCli(["get", "--endpoint", address]);
  assert.ok(BigInt(fromDeno.stdout) > BigInt(fromNode.stdout));
  const [, metrics] = await server.until(/metrics are served address=(\S+)/);
  const page = await (await fetch(`http://${metrics}/metrics`)).text();
  assert.match(page, /^tsoracle_get_ts_success_total 2$/m);
  assert.match(page, /^tsoracle_build_info\{version="[^"]+",runtime="node \d+/m);
  const load = ["--warmup", "0", "--duration", "1s", "--json"];
  const bench = await ChildCli.run(["bench", "--endpoint", address, ...load], node);
  assert.equal(bench.code, 0, bench.stderr);
  assert.ok(JSON.parse(bench.stdout).calls > 0);
  server.signal("SIGTERM");
  const end = await server.end();
  assert.deepEqual([end.code, end.stdout], [0, `serving on ${address}\n`]);
}

async function checkNodeSpeaksTls(file: string, dir: TempDir): Promise<void> {
  const certs = await makeCertificates();
  const ca = await dir.write("ca.pem", certs.caPem);
  const cert = await dir.write("cert.pem", certs.server.certPem);
  const key = await dir.write("key.pem", certs.server.keyPem);
  const flags = [...FREE_PORTS, "--state-dir", dir.at("tls"), "--tls-cert", cert, "--tls-key", key];
  const node = { program: ["node", file] } as const;
  await using server = new ChildCli(["serve", ...flags], node);
  const [, address = ""] = await server.until(SERVING);
  const got = await ChildCli.run(["get", "--endpoint", address, "--tls-ca", ca], node);
  assert.deepEqual([got.code, got.stderr], [0, ""]);
  const distrust = await ChildCli.run(["get", "--endpoint", address, "--tls"], node);
  assert.equal(distrust.code, 1);
}

async function checkNodeEndsAtSecondSignal(file: string, dir: TempDir): Promise<void> {
  // Once it grants, nothing is written for minutes: with a write under way it would end by SIGKILL.
  const times = ["--shutdown-grace", "1h", "--failover-advance", "10m"];
  const flags = [...FREE_PORTS, "--state-dir", dir.at("node"), ...times];
  await using server = new ChildCli(["serve", ...flags], { program: ["node", file] });
  const [, address = ""] = await server.until(SERVING);
  assert.equal((await runCli(["get", "--endpoint", address])).code, 0);
  await using _call = await halfSentCall(address);
  server.signal("SIGTERM");
  await server.until(/stopping/);
  server.signal("SIGTERM");
  const end = await server.end();
  assert.deepEqual([end.code, end.signal], [143, null]);
}

async function checkNodeEndsWhenDiskHangs(file: string, dir: TempDir): Promise<void> {
  const flags = ["serve", "--listen", "127.0.0.1:0", "--no-metrics", "--state-dir", dir.at("hang")];
  await using server = new ChildCli([...flags, ...HASTY], { program: ["node", file] });
  const [, address = ""] = await server.until(SERVING);
  await hangDisk(dir.at("hang"), address);
  server.signal("SIGTERM");
  const end = await server.end();
  assert.equal(end.signal, "SIGKILL");
  assert.match(end.stderr, /^error: Cannot unlock .* a write still waits/m);
}

async function checkNodeEntry(file: string, dir: TempDir): Promise<void> {
  const link = dir.at("tsoracle");
  await Deno.symlink(file, link);
  const linked = await ChildCli.run(["version"], { program: ["node", link] });
  assert.deepEqual([linked.code, linked.stdout], [0, `tsoracle ${VERSION}\n`]);
  const code = 'import { main } from "./tsoracle.mjs"; console.log(typeof main);';
  const importer = await dir.write("importer.mjs", code);
  const imported = await ChildCli.run([], { program: ["node", importer] });
  assert.deepEqual([imported.code, imported.stdout], [0, "function\n"]);
}

ioTest("the bundled command line runs on Node as on Deno", async (t) => {
  await using dir = await tempDir();
  const file = await bundleInto(dir);
  await t.step("serves, answers and stops", () => checkNodeServes(file, dir));
  await t.step("speaks TLS", () => checkNodeSpeaksTls(file, dir));
  await t.step("ends at a second signal", () => checkNodeEndsAtSecondSignal(file, dir));
  await t.step("ends when the disk hangs", () => checkNodeEndsWhenDiskHangs(file, dir));
  await t.step("runs only if it is the entry, links followed", () => checkNodeEntry(file, dir));
});

ioTest(
  "the permission set of deno.json suffices for the default folder and nothing more",
  async (t) => {
    await using dir = await tempDir();
    await bundleInto(dir);
    const { permissions } = manifest;
    await dir.write("deno.json", JSON.stringify({ permissions }));
    const program = [Deno.execPath(), "run", "--no-prompt", "-P=serve", "tsoracle.mjs"] as const;
    const strict = { program, cwd: dir.path, env: { TSORACLE_LOG_FORMAT: "json" } };
    await t.step("the default folder", async () => {
      await using server = new ChildCli(["serve", ...FREE_PORTS], strict);
      const [, address = ""] = await server.until(SERVING);
      assert.equal((await runCli(["get", "--endpoint", address])).code, 0);
      server.signal("SIGTERM");
      assert.equal((await server.end()).code, 0);
      assert.ok((await Deno.stat(dir.at("tsoracle-data/state"))).isFile);
    });
    await t.step("no other folder", async () => {
      const { code, stderr } = await ChildCli.run(
        ["serve", ...FREE_PORTS, "--state-dir", dir.at("elsewhere")],
        strict,
      );
      assert.equal(code, 1);
      assert.match(stderr, /^error: Cannot create .*--allow-write/m);
    });
    await t.step("no other address", async () => {
      const args = ["serve", ...FREE_PORTS, "--listen", "0.0.0.0:0", "--allow-insecure"];
      const { code, stderr } = await ChildCli.run(args, strict);
      assert.equal(code, 1);
      assert.match(stderr, /^error: Cannot listen on 0\.0\.0\.0:0: .*--allow-net=0\.0\.0\.0:0$/m);
    });
  },
);
