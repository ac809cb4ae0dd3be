// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { FileDriver } from "../../src/drivers/file/mod.ts";
import { VERSION } from "../../src/version.ts";
import { lastingAddress } from "../_support/lasting_port.ts";
import { ioTest } from "../_support/levels.ts";
import { parseExposition } from "../observe/_support/exposition.ts";
import { halfSentCall } from "./_support/half_sent_call.ts";
import { serveLocally } from "./_support/local_server.ts";
import { runCli, startCli } from "./_support/run_cli.ts";
import { tempDir } from "./_support/temp_dir.ts";

const QUIET = ["--no-metrics", "--listen", "127.0.0.1:0"] as const;

/** A port of the loopback that somebody listens on. */
async function takenPort(): Promise<AsyncDisposable & { readonly address: string }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

ioTest("tsoracle serve prints one line on standard output, and nothing else there", async () => {
  await using server = await serveLocally();
  const { code, stdout } = await server.stop();
  assert.equal(code, 0);
  assert.match(stdout, /^serving on 127\.0\.0\.1:\d+\n$/);
});

ioTest("tsoracle serve ends with 0 after one SIGINT and frees the directory", async () => {
  await using server = await serveLocally();
  server.cli.signal("SIGINT");
  assert.equal((await server.cli.result).code, 0);
  await using driver = await FileDriver.open({ directory: server.directory });
  assert.ok(await driver.loadHighWater() > 0);
});

ioTest("tsoracle serve grants nothing twice over a restart", async () => {
  await using dir = await tempDir();
  const seen: bigint[] = [];
  for (let round = 0; round < 3; round++) {
    await using server = await serveLocally({ directory: dir.path });
    const { stdout } = await runCli(["get", "--endpoint", server.address, "--count", "2"]);
    seen.push(...stdout.trim().split("\n").map(BigInt));
  }
  assert.equal(seen.length, 6);
  assert.deepEqual(seen, [...new Set(seen)].sort((a, b) => a < b ? -1 : 1));
});

ioTest(
  "tsoracle alone, serve and serve file are the same, configured by the environment",
  async () => {
    for (const args of [[], ["serve"], ["serve", "file"]]) {
      await using dir = await tempDir();
      const env = {
        TSORACLE_LISTEN: "127.0.0.1:0",
        TSORACLE_STATE_DIR: dir.path,
        TSORACLE_NO_METRICS: "true",
      };
      const cli = startCli(args, env);
      await cli.until(/^serving on 127\.0\.0\.1:\d+$/m);
      cli.signal("SIGTERM");
      assert.equal((await cli.result).code, 0);
      assert.ok((await Deno.stat(dir.at("state"))).isFile);
    }
  },
);

ioTest(
  "tsoracle serve shows its counters to Prometheus and stops doing so at the end",
  async () => {
    await using server = await serveLocally({
      flags: ["--metrics", `--metrics-listen=${lastingAddress()}`],
    });
    const [, metrics] = await server.cli.until(/metrics are served address=(\S+)/);
    await runCli(["get", "--endpoint", server.address, "--count", "5"]);
    const response = await fetch(`http://${metrics}/metrics`);
    const { samples, types } = parseExposition(await response.text());
    assert.equal(samples.get("tsoracle_get_ts_requests_total"), 1);
    assert.equal(samples.get("tsoracle_get_ts_success_total"), 1);
    assert.equal(samples.get("tsoracle_get_ts_timestamps_issued"), 5);
    assert.equal(samples.get("tsoracle_serving"), 1);
    assert.equal(samples.get("tsoracle_leader_transition_fence_latency_count"), 1);
    assert.equal(types.get("tsoracle_window_extension_latency"), "histogram");
    await server.stop();
    await assert.rejects(fetch(`http://${metrics}/metrics`));
  },
);

ioTest("tsoracle serve --no-metrics opens no endpoint", async () => {
  await using taken = await takenPort();
  await using server = await serveLocally({ flags: ["--metrics-listen", taken.address] });
  assert.doesNotMatch(server.cli.stderr(), /metrics are served/);
});

ioTest("tsoracle serve ends with 1 when its port is in use, and frees the directory", async () => {
  await using taken = await takenPort();
  await using dir = await tempDir();
  const args = ["serve", "--no-metrics", "--state-dir", dir.path, "--listen", taken.address];
  const { code, stdout, stderr } = await runCli(args);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(
    stderr,
    new RegExp(`^error: Cannot listen on ${taken.address}: another process .*--listen$`, "m"),
  );
  await using _driver = await FileDriver.open({ directory: dir.path });
});

ioTest(
  "tsoracle serve ends with 1 when the port of its metrics is in use, and says what to do",
  async () => {
    await using taken = await takenPort();
    await using dir = await tempDir();
    const args = ["serve", "--listen=127.0.0.1:0", "--state-dir", dir.path];
    const { code, stderr } = await runCli([...args, "--metrics-listen", taken.address]);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^error: .*${taken.address}.* in use.*--metrics-listen`, "m"));
    await using _driver = await FileDriver.open({ directory: dir.path });
  },
);

ioTest("tsoracle serve ends with 1 while another process holds the directory", async () => {
  await using dir = await tempDir();
  await using _holder = await FileDriver.open({ directory: dir.path });
  const { code, stderr } = await runCli(["serve", ...QUIET, "--state-dir", dir.path]);
  assert.equal(code, 1);
  assert.match(stderr, /^error: Cannot .*another/m);
});

ioTest("tsoracle serve ends with 1 on a damaged state and leaves it as it is", async () => {
  const garbage = new TextEncoder().encode("not a state record");
  for (const content of [garbage, garbage.slice(0, 5), new Uint8Array(0)]) {
    await using dir = await tempDir();
    await dir.write("state", content);
    const { code, stdout, stderr } = await runCli(["serve", ...QUIET, "--state-dir", dir.path]);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /^error: .*--seed-physical-ms/m);
    assert.deepEqual(await Deno.readFile(dir.at("state")), content);
  }
});

ioTest("tsoracle serve ends with 1 and says why when the oracle cannot go on", async () => {
  await using dir = await tempDir();
  await runCli(["init", "--state-dir", dir.path, "--seed-physical-ms", "70368744177663"]);
  const { code, stdout, stderr } = await runCli(["serve", ...QUIET, "--state-dir", dir.path]);
  assert.equal(code, 1);
  assert.doesNotMatch(stdout, /serving/);
  assert.match(stderr, /^error: Cannot go on serving: .*high-water.*70368744177663$/m);
  await using _driver = await FileDriver.open({ directory: dir.path });
});

ioTest("tsoracle serve ends with 1 when a write fails while it serves", async () => {
  await using server = await serveLocally({ flags: ["--window-ahead", "50ms"] });
  await Deno.remove(`${server.directory}/LOCK`);
  const { code, stderr } = await server.cli.result;
  assert.equal(code, 1);
  assert.match(stderr, /^error: Cannot go on serving: .*LOCK/m);
});

ioTest("tsoracle serve still grants to a call in flight when it is asked to stop", async () => {
  await using server = await serveLocally();
  await using call = await halfSentCall(server.address);
  server.cli.signal("SIGTERM");
  await server.cli.until(/stopping/);
  call.finish();
  assert.match(await call.closed, /HTTP\/1\.1 200 [^]*"count":1/);
  assert.equal((await server.cli.result).code, 0);
});

ioTest("tsoracle serve ends half-sent calls after its grace, and then with 0", async () => {
  await using server = await serveLocally({ flags: ["--shutdown-grace", "50ms"] });
  await using call = await halfSentCall(server.address);
  assert.equal((await server.stop()).code, 0);
  await call.closed;
});

ioTest("tsoracle serve ends with 1 when a write fails after it was asked to stop", async () => {
  await using server = await serveLocally({ flags: ["--window-ahead", "50ms"] });
  await using call = await halfSentCall(server.address);
  server.cli.signal("SIGTERM");
  await server.cli.until(/stopping/);
  await Deno.remove(`${server.directory}/LOCK`);
  await server.cli.until(/leader watch ended/);
  call.finish();
  const { code, stderr } = await server.cli.result;
  assert.equal(code, 1);
  assert.match(stderr, /^error: Cannot go on serving: .*LOCK/m);
});

ioTest("tsoracle serve ends with 1 for a certificate that cannot be read or is none", async () => {
  await using dir = await tempDir();
  const text = await dir.write("text.pem", "hello");
  const state = ["--state-dir", dir.at("state")];
  const absent = ["--tls-cert", dir.at("absent.pem"), "--tls-key", text];
  const missing = await runCli(["serve", ...QUIET, ...state, ...absent]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /Cannot read the file of --tls-cert: .*absent\.pem/);
  const noPem = ["--tls-cert", text, "--tls-key", text];
  const wrong = await runCli(["serve", ...QUIET, ...state, ...noPem]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /no PEM file/);
});

ioTest("tsoracle serve refuses plaintext for other machines unless that is allowed", async () => {
  await using dir = await tempDir();
  const args = ["serve", "--no-metrics", "--state-dir", dir.path, "--listen", "0.0.0.0:0"];
  const { code, stderr } = await runCli(args);
  assert.equal(code, 1);
  assert.match(stderr, /^error: .*--allow-insecure/m);
  await using server = await serveLocally({
    directory: dir.path,
    flags: ["--listen", "0.0.0.0:0", "--allow-insecure"],
  });
  assert.match(server.address, /^0\.0\.0\.0:\d+$/);
});

ioTest("tsoracle serve logs at info with a warning when the level is unknown", async () => {
  await using server = await serveLocally({ flags: ["--log", "verbose"] });
  const { stderr } = await server.stop();
  assert.match(stderr, /warning tsoracle\.cli: .*level=verbose/);
  assert.match(stderr, / info /);
});

ioTest("tsoracle serve --log off writes nothing to standard error", async () => {
  await using server = await serveLocally({ flags: ["--log", "off"] });
  assert.equal((await server.stop()).stderr, "");
});

ioTest("tsoracle serve --log-format json writes JSON lines, the heartbeat among them", async () => {
  const flags = ["--log-format", "json", "--heartbeat-interval", "1ms"];
  await using server = await serveLocally({ flags });
  await server.cli.until(/"message":"heartbeat".*"serving":true/);
  const { stderr } = await server.stop();
  const records = stderr.trim().split("\n").map((line) => JSON.parse(line));
  const heartbeat = records.find(({ message, serving }) => message === "heartbeat" && serving);
  assert.equal(heartbeat.epoch, "0");
});

ioTest("tsoracle serve logs once what it serves with", async () => {
  await using server = await serveLocally();
  const { stderr } = await server.stop();
  const lines = stderr.split("\n").filter((line) => line.includes("tsoracle.cli: serving "));
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", new RegExp(` version=${VERSION} .* address=${server.address} `));
  assert.match(lines[0] ?? "", / window_ahead=3s failover_advance=1s$/);
});

ioTest("tsoracle serve --heartbeat-interval 0s writes no heartbeat", async () => {
  await using server = await serveLocally({ flags: ["--heartbeat-interval", "0s"] });
  assert.doesNotMatch((await server.stop()).stderr, /heartbeat:/);
});
