// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { sectionsOf } from "../../src/cli/command.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { environmentName } from "../../src/cli/flag.ts";
import { VERSION } from "../../src/version.ts";
import { runCli } from "./_support/run_cli.ts";

Deno.test("tsoracle version prints the version, and the runtime as JSON", async () => {
  assert.deepEqual(await runCli(["version"]), {
    code: 0,
    stdout: `tsoracle ${VERSION}\n`,
    stderr: "",
  });
  const { stdout } = await runCli(["--version", "--json"]);
  const { version, runtime } = JSON.parse(stdout);
  assert.equal(version, VERSION);
  assert.match(runtime, /^(deno|node) \d+\.\d+/);
});

Deno.test("tsoracle --help shows examples first and every command", async () => {
  for (const args of [["--help"], ["-h"], ["help"]]) {
    const { code, stdout, stderr } = await runCli(args);
    assert.equal(code, 0);
    assert.equal(stderr, "");
    assert.ok(stdout.indexOf("Examples:") < stdout.indexOf("Usage:"));
    for (const command of COMMANDS) assert.match(stdout, new RegExp(`^  ${command.name} `, "m"));
  }
});

Deno.test("tsoracle COMMAND --help shows examples first, then every flag, default and variable", async () => {
  for (const command of COMMANDS) {
    const { code, stdout } = await runCli([command.name, "--help"]);
    assert.equal(code, 0);
    assert.ok(stdout.indexOf("Examples:") < stdout.indexOf(`Usage: tsoracle ${command.name}`));
    for (const { title } of sectionsOf(command)) {
      assert.ok(stdout.indexOf("Usage:") < stdout.indexOf(`\n${title}:\n`), title);
    }
    for (const flag of Object.values(command.flags)) {
      assert.match(stdout, new RegExp(`^  --${flag.name}\\b`, "m"));
      if (flag.fromEnvironment) assert.ok(stdout.includes(`env ${environmentName(flag)}]`));
    }
    assert.deepEqual(await runCli(["help", command.name]), { code, stdout, stderr: "" });
  }
});

Deno.test("tsoracle COMMAND --help helps also when the rest of the line is wrong", async () => {
  const { code, stdout } = await runCli(["serve", "--lisen", "x", "-h"]);
  assert.equal(code, 0);
  assert.match(stdout, /--listen HOST:PORT/);
});

Deno.test("every example in the help is a line that the program accepts", async () => {
  for (const { line } of COMMANDS.flatMap((command) => command.examples)) {
    const words = line.split(" ").filter((word) => !word.includes("="));
    assert.equal(words.shift(), "tsoracle", line);
    const flags = words.filter((word) => word.startsWith("--"));
    const { stdout } = await runCli([words[0] ?? "", "--help"]);
    for (const flag of flags) assert.match(stdout, new RegExp(`^  .*${flag}\\b`, "m"), line);
  }
});

Deno.test("tsoracle ends with 2 and a suggestion for an unknown command", async () => {
  const cases = {
    srve: /did you mean serve\?/,
    decoed: /did you mean decode\?/,
    launch: /tsoracle --help lists them/,
  };
  for (const [word, hint] of Object.entries(cases)) {
    const { code, stdout, stderr } = await runCli([word]);
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /^error: Cannot run .*\n$/);
    assert.match(stderr, hint);
  }
});

Deno.test("tsoracle ends with 2 for a flag without a command, and for help on nothing", async () => {
  const early = await runCli(["--listen", "127.0.0.1:0"]);
  assert.equal(early.code, 2);
  assert.match(early.stderr, /write tsoracle serve --listen/);
  assert.equal((await runCli(["help", "nothing"])).code, 2);
});

Deno.test("tsoracle ends with 2 for a wrong flag, value, variable or word of each command", async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["serve", "--lisen", "x"], /did you mean --listen\?/],
    [["serve", "--window-ahead", "3"], /--window-ahead 3: .*write 3s or 3ms/],
    [["serve", "--window-ahead", "0s"], /at least 1ms/],
    [["serve", "--listen", "http://a:1"], /host:port without a scheme/],
    [["serve", "--log-format", "xml"], /one of text, json/],
    [["serve", "raft"], /there is no such driver; one of file, etcd, postgres/],
    [["serve", "etdc"], /did you mean etcd\?/],
    [["serve", "file", "file"], /serve takes one driver/],
    [["serve", "--etcd", "a:1"], /--etcd with the driver 'file': it belongs to etcd/],
    [["serve", "--lease", "1s"], /--lease with the driver 'file'/],
    [
      ["serve", "etcd", "--state-dir", "a"],
      /--state-dir with the driver 'etcd': it belongs to file/,
    ],
    [["serve", "postgres", "--etcd", "a:1"], /--etcd with the driver 'postgres'/],
    [
      ["serve", "--prefix", "a"],
      /--prefix with the driver 'file': it belongs to etcd and postgres/,
    ],
    [["serve", "postgres"], /--url is missing; write --url postgres:/],
    [["serve", "postgres", "--url", "postgres://a@b/c", "--postgres-key", "x"], /cert is missing/],
    [["serve", "postgres", "--url", "postgres://a@b/c", "--postgres-cert", "x"], /key is missing/],
    [["serve", "etcd"], /--etcd is missing; name its members/],
    [["serve", "etcd", "--etcd", "a"], /"a" as an endpoint: the port is missing/],
    [["serve", "etcd", "--etcd", "a:1", "--lease", "299ms"], /it must be 300ms to 1m/],
    [["serve", "etcd", "--etcd", "a:1", "--prefix", "a b"], /1 to 128 letters/],
    [["serve", "etcd", "--etcd", "a:1", "--etcd-cert", "x"], /--etcd-key is missing/],
    [["serve", "etcd", "--etcd", "a:1", "--etcd-key", "x"], /--etcd-cert is missing/],
    [["serve", "etcd", "--etcd", "a:1", "--advertise", "http://a:1"], /must not name a scheme/],
    [["serve", "etcd", "--etcd", "a:1", "--advertise", "0.0.0.0:1"], /nobody can connect to that/],
    [
      ["serve", "etcd", "--etcd", "a:1", "--listen", "0.0.0.0:1"],
      /--advertise is missing, and nobody can connect to 0\.0\.0\.0; write --advertise HOST:1/,
    ],
    [["serve", "etcd", "--etcd", "a:1", "--listen", "[::]:1"], /nobody can connect to ::/],
    [["get", "--count", "0"], /1 to 262144/],
    [["get", "--count", "262145"], /1 to 262144/],
    [["get", "now"], /get takes no such argument/],
    [["get", "--client-cert", "a.pem"], /both --client-cert and --client-key/],
    [["init"], /--seed-physical-ms is missing/],
    [["init", "--seed-physical-ms", "70368744177664"], /0 to 70368744177663/],
    [["restore"], /the driver is missing; write tsoracle restore etcd/],
    [["restore", "file"], /a backup of one has no use; see tsoracle init/],
    [["restore", "etcd"], /--etcd is missing/],
    [["restore", "postgres"], /--url is missing/],
    [["restore", "etcd", "--url", "x"], /--url with the driver 'etcd': it belongs to postgres/],
    [["version", "please"], /version takes no such argument/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await runCli(args);
    assert.equal(code, 2, args.join(" "));
    assert.equal(stdout, "");
    assert.match(stderr, /^error: .*\n$/);
    assert.match(stderr, message);
  }
});

Deno.test("tsoracle serve ends with 2 unless certificate and key come together", async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["--tls-cert", "c.pem"], /--tls-key is missing/],
    [["--tls-key", "k.pem"], /--tls-cert is missing/],
    [["--tls-client-ca", "a.pem"], /needs --tls-cert and --tls-key/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await runCli(["serve", ...args]);
    assert.equal(code, 2);
    assert.match(stderr, message);
  }
  assert.equal((await runCli(["serve"], { TSORACLE_TLS_CERT: "c.pem" })).code, 2);
});

Deno.test("tsoracle serve --print-config shows each setting with its source and starts nothing", async () => {
  const env = { TSORACLE_STATE_DIR: "/nowhere", TSORACLE_LOG: "debug" };
  const args = ["serve", "--print-config", "--log", "error", "--cors-origin", "https://a.example"];
  const { code, stdout, stderr } = await runCli(args, env);
  assert.equal(code, 0);
  assert.equal(stderr, "");
  assert.match(stdout, /^--listen +127\.0\.0\.1:50551 +default$/m);
  assert.match(stdout, /^--state-dir +\/nowhere +environment$/m);
  assert.match(stdout, /^--log +error +flag$/m);
  assert.match(stdout, /^--cors-origin +https:\/\/a\.example +flag$/m);
  assert.doesNotMatch(stdout, /--tls-cert/);
});
