// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { serve } from "../../src/net/mod.ts";
import { makeCertificates } from "../_support/certs.ts";
import { lastingAddress } from "../_support/lasting_port.ts";
import { ioTest } from "../_support/levels.ts";
import { within } from "../_support/server_process.ts";
import { serveLocally } from "./_support/local_server.ts";
import type { Lie } from "./_support/lying_oracle.ts";
import { echoes, LyingOracle, silentFrom, twins } from "./_support/lying_oracle.ts";
import { runCli, startCli } from "./_support/run_cli.ts";
import { tempDir } from "./_support/temp_dir.ts";

const BRIEF = ["--warmup", "50ms", "--duration", "200ms"] as const;
/** Long enough for calls to end on a machine that is busy with other tests. */
const LASTING = ["--warmup", "50ms", "--duration", "2s"] as const;

/** Within it the calls that are answered have their answer, and those that are not come to their end. */
const PATIENCE = "2s";

/** A server of an oracle that does not say the truth. */
async function serveLies(lie: Lie) {
  const oracle = new LyingOracle(lie);
  await oracle.untilServing();
  const server = await serve(oracle, { port: 0, shutdownGraceMs: 0 });
  return {
    address: server.address,
    async [Symbol.asyncDispose]() {
      await server.close();
      await oracle.close();
    },
  };
}

ioTest("tsoracle bench prints what callers in a closed loop got", async () => {
  await using server = await serveLocally();
  const target = ["--endpoint", server.address];
  const { code, stdout } = await runCli(["bench", ...target, ...LASTING, "--callers", "8"]);
  assert.equal(code, 0);
  assert.match(stdout, /^load +closed loop, 8 callers, 1 timestamp a call$/m);
  assert.match(stdout, /^measured +2\.0 s after 0\.1 s of warm-up$/m);
  assert.match(stdout, /^calls +[1-9][0-9,]*, [1-9][0-9,]* per second$/m);
  for (const part of ["p50", "p90", "p99", "p99.9", "max"]) {
    assert.match(stdout, new RegExp(`^latency ${part} +[0-9.]+ ms$`, "m"));
  }
  assert.match(stdout, /^failed +0$/m);
  assert.match(stdout, /^checked .* answers: no value twice, none out of order$/m);
});

ioTest("tsoracle bench --json prints one object with every figure", async () => {
  await using server = await serveLocally();
  const target = ["--endpoint", server.address];
  const shape = ["--callers", "4", "--batch", "64", "--max-in-flight", "1"];
  const { code, stdout, stderr } = await runCli([
    "bench",
    ...target,
    ...LASTING,
    ...shape,
    "--json",
  ]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout.trim().split("\n").length, 1);
  const report = JSON.parse(stdout);
  assert.deepEqual(report.loop, { kind: "closed", callers: 4 });
  assert.deepEqual([report.batch, report.warmUpMs, report.measuredMs], [64, 50, 2_000]);
  assert.ok(report.calls > 0 && report.checked > report.calls);
  assert.equal(report.callsPerSecond, report.calls / 2);
  assert.equal(report.timestampsPerSecond, report.calls / 2 * 64);
  const { p50Ms, p90Ms, p99Ms, p999Ms, maxMs } = report.latency;
  assert.ok(0 < p50Ms && p50Ms <= p90Ms && p90Ms <= p99Ms && p99Ms <= p999Ms && p999Ms <= maxMs);
  assert.deepEqual([report.errors, report.unfinished, report.violations], [[], 0, 0]);
  assert.equal("notStarted" in report, false);
});

ioTest("tsoracle bench --rate begins calls when they are due", async () => {
  await using server = await serveLocally();
  const target = ["--endpoint", server.address];
  const { code, stdout } = await runCli(["bench", ...target, ...BRIEF, "--rate", "200", "--json"]);
  assert.equal(code, 0);
  const report = JSON.parse(stdout);
  assert.deepEqual(report.loop, { kind: "open", perSecond: 200, maxOutstanding: 10_000 });
  // 250 ms at 200 a second.
  assert.equal(report.checked, 50);
  assert.equal(report.notStarted, 0);
});

ioTest(
  "tsoracle bench tells on standard error how far it is, and ends early on SIGINT",
  async () => {
    await using server = await serveLocally();
    const cli = startCli([
      "bench",
      "--endpoint",
      server.address,
      "--warmup",
      "0",
      "--duration",
      "1h",
    ]);
    await cli.until(/^ +[0-9]+ s +[0-9,]+ calls\/s +p99 [0-9.]+ ms +16 under way$/m);
    assert.equal(cli.stdout(), "");
    cli.signal("SIGINT");
    const { code, stdout } = await cli.result;
    assert.equal(code, 0);
    assert.match(stdout, /^measured .*, ended early$/m);
    assert.match(stdout, /^calls +[1-9]/m);
  },
);

ioTest("tsoracle bench gives up the calls under way on a second signal", async () => {
  await using server = await serveLies(silentFrom(1));
  const flags = ["--timeout", "1h", "--warmup", "0", "--duration", "1h"];
  const cli = startCli(["bench", "--endpoint", server.address, ...flags]);
  await cli.until(/calls\/s/);
  cli.signal("SIGINT");
  cli.signal("SIGINT");
  // Without the second signal it would wait for them for 5 s.
  const { code, stdout } = await within(cli.result, 4_000, () => "it waits for calls");
  assert.equal(code, 130);
  assert.match(stdout, /^unfinished +16$/m);
});

ioTest("tsoracle bench ends with 3 if a value came twice", async () => {
  await using server = await serveLies(twins());
  const load = ["--rate", "500", "--max-in-flight", "8", ...BRIEF];
  const { code, stdout } = await runCli(["bench", "--endpoint", server.address, ...load]);
  assert.equal(code, 3, stdout);
  assert.match(stdout, /^checked .* VIOLATIONS$/m);
  assert.match(stdout, /^ +[0-9]+( to [0-9]+)? was given although [0-9 to]+ had been received$/m);
});

ioTest("tsoracle bench ends with 3 if the client had to throw an answer away", async () => {
  await using server = await serveLies(echoes());
  const load = ["--callers", "1", "--timeout", "1s", "--duration", "2s", "--warmup", "0"];
  const { code, stdout } = await runCli(["bench", "--endpoint", server.address, ...load]);
  assert.equal(code, 3, stdout);
  assert.match(stdout, /^ +[1-9][0-9]* more WENT BACK and were thrown away by the client$/m);
});

ioTest("tsoracle bench counts calls that fail, and fails if all of them do", async () => {
  await using server = await serveLies(silentFrom(1));
  const flags = ["--timeout", PATIENCE, ...BRIEF];
  const { code, stdout, stderr } = await runCli(["bench", "--endpoint", server.address, ...flags]);
  assert.equal(code, 1);
  assert.match(stdout, /^error rate +100 %/m);
  assert.match(stdout, /^ +[1-9][0-9]* x [a-z-]+: ./m);
  assert.match(stderr, /error: Cannot measure: no call was answered/);
});

ioTest("tsoracle bench ends with 1 if nearly all calls fail", async () => {
  // The first answer is for the call before the measurement, the second for the first call of all callers.
  await using server = await serveLies(silentFrom(2));
  const flags = ["--timeout", PATIENCE, "--warmup", "0", "--duration", "500ms"];
  const { code, stdout, stderr } = await runCli(["bench", "--endpoint", server.address, ...flags]);
  assert.equal(code, 1, stdout);
  assert.match(stdout, /^calls +[1-9]/m);
  assert.match(
    stderr,
    /error: Cannot vouch for these figures: [0-9.]+ % of the calls have no answer/,
  );
});

ioTest("tsoracle bench says what to do if nothing listens", async () => {
  const { code, stdout, stderr } = await runCli(["bench", "--endpoint", lastingAddress()]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /Cannot get timestamps from 127\.0\.0\.1:\d+: nothing listens there/);
});

ioTest("tsoracle bench measures over TLS", async () => {
  await using dir = await tempDir();
  const certs = await makeCertificates();
  const cert = await dir.write("cert.pem", certs.server.certPem);
  const key = await dir.write("key.pem", certs.server.keyPem);
  const ca = await dir.write("ca.pem", certs.caPem);
  await using server = await serveLocally({ flags: ["--tls-cert", cert, "--tls-key", key] });
  const target = ["--endpoint", server.address, "--tls-ca", ca];
  const { code, stdout, stderr } = await runCli(["bench", ...target, ...LASTING]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^calls +[1-9]/m);
});

for (
  const [args, message] of [
    [["--rate", "5", "--callers", "3"], /--callers with --rate/],
    [["--max-outstanding", "3"], /--max-outstanding without --rate/],
    [["--callers", "0"], /--callers 0: it must be a whole number from 1/],
    [["--batch", "262145"], /--batch/],
    [["--duration", "0"], /--duration/],
    [["fast"], /takes no such argument/],
  ] as const
) {
  Deno.test(`tsoracle bench ${args.join(" ")} is refused`, async () => {
    const { code, stdout, stderr } = await runCli(["bench", ...args]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, message);
  });
}
