// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { FileDriver } from "../../src/drivers/file/mod.ts";
import { ioTest } from "../_support/levels.ts";
import { runCli } from "./_support/run_cli.ts";
import { tempDir } from "./_support/temp_dir.ts";

ioTest("tsoracle init writes the seed and says so", async () => {
  await using dir = await tempDir();
  const state = dir.at("deep/state");
  const result = await runCli(["init", "--state-dir", state, "--seed-physical-ms", "12345"]);
  assert.deepEqual(result, {
    code: 0,
    stdout: `Initialized ${state} at seed physical_ms=12345\n`,
    stderr: "",
  });
  await using driver = await FileDriver.open({ directory: state });
  assert.equal(await driver.loadHighWater(), 12_345);
});

ioTest("tsoracle init --json prints one object", async () => {
  await using dir = await tempDir();
  const args = [
    "init",
    "--state-dir",
    dir.path,
    "--seed-physical-ms",
    "70_368_744_177_663",
    "--json",
  ];
  const { code, stdout } = await runCli(args);
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout), {
    directory: dir.path,
    seedPhysicalMs: 70_368_744_177_663,
  });
});

ioTest("tsoracle init ends with 1 and changes nothing where a state exists", async () => {
  await using dir = await tempDir();
  const args = ["init", "--state-dir", dir.path, "--seed-physical-ms"];
  assert.equal((await runCli([...args, "1000"])).code, 0);
  const before = await Deno.readFile(dir.at("state"));
  const { code, stdout, stderr } = await runCli([...args, "2000"]);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^error: Cannot .*\n$/);
  assert.deepEqual(await Deno.readFile(dir.at("state")), before);
});

ioTest("tsoracle init ends with 1 while another process uses the directory", async () => {
  await using dir = await tempDir();
  await using _holder = await FileDriver.open({ directory: dir.path });
  const args = ["init", "--state-dir", dir.path, "--seed-physical-ms", "1"];
  const { code, stderr } = await runCli(args);
  assert.equal(code, 1);
  assert.match(stderr, /^error: .*another/);
});

ioTest("tsoracle init takes the directory from the environment", async () => {
  await using dir = await tempDir();
  const env = { TSORACLE_STATE_DIR: dir.path, TSORACLE_SEED_PHYSICAL_MS: "7" };
  const { code, stdout } = await runCli(["init"], env);
  assert.equal(code, 0);
  assert.match(stdout, new RegExp(`^Initialized ${dir.path} at seed physical_ms=7\n$`));
});
