// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { DenseRecord } from "../../../src/drivers/records/dense_record.ts";
import { encodeLeaseRecord } from "../../../src/drivers/records/lease_record.ts";
import { canRun, ioTestNeeding } from "../../_support/levels.ts";
import { childCommand, type Runtime } from "../_support/file_child.ts";
import { StateDir } from "../_support/state_dir.ts";

const TRACED = "openat,write,pwrite64,fsync,rename,renameat,renameat2";

/** The calls on a state directory in a trace, as `call file`. */
function callsOn(dir: StateDir, trace: string): string[] {
  const calls: string[] = [];
  for (const line of trace.split("\n")) {
    const [, name, args = ""] = /(\w+)\((.*)/.exec(line) ?? [];
    const path = (/"(\/[^"]*)"/.exec(args) ?? /<(\/[^>]*)>/.exec(args))?.[1];
    if (path === dir.path) calls.push(`${name} directory`);
    else if (path !== undefined && /\/(state|dense|leases)(\.tmp)?$/.test(path)) {
      calls.push(`${name} ${path.slice(dir.path.length + 1)}`);
    }
  }
  return calls;
}

const MISSING = await canRun("strace") ? undefined : "install strace";

/** Runs a command under strace. */
async function traced(command: readonly string[], output: string): Promise<string> {
  const args = ["-f", "-y", "-e", `trace=${TRACED}`, "-o", output, ...command];
  const { success } = await new Deno.Command("strace", { args, stderr: "inherit" }).output();
  assert.ok(success, "the traced command failed");
  return await Deno.readTextFile(output);
}

for (const runtime of ["deno", "node"] as const satisfies readonly Runtime[]) {
  ioTestNeeding(
    MISSING,
    `FileDriver.persistHighWater() on ${runtime} flushes the file, renames, flushes the directory`,
    async () => {
      await using dir = await StateDir.make();
      await using output = await StateDir.make();
      await dir.put("state", 42);
      const command = await childCommand(["write", dir.path], { runtime });
      const trace = await traced(command, output.join("trace"));
      const calls = callsOn(dir, trace).map((call) => call.replace("pwrite64", "write"));
      assert.deepEqual(calls.slice(calls.indexOf("openat state.tmp")), [
        "openat state.tmp",
        "write state.tmp",
        "fsync state.tmp",
        "rename state.tmp",
        "openat directory",
        "fsync directory",
      ]);
    },
  );

  ioTestNeeding(
    MISSING,
    `FileDriver.open() on ${runtime} flushes the way to a new directory`,
    async () => {
      await using dir = await StateDir.make();
      await using output = await StateDir.make();
      const command = await childCommand(["open", dir.join("a/b")], { runtime });
      const trace = await traced(command, output.join("trace"));
      const flushed = [...trace.matchAll(/fsync\(\d+<([^>]+)>/g)].map(([, path = ""]) => path);
      const parents = [dir.join("a"), dir.path, dir.path.slice(0, dir.path.lastIndexOf("/")), "/"];
      assert.deepEqual(flushed.filter((path) => parents.includes(path)), parents);
    },
  );

  ioTestNeeding(
    MISSING,
    `FileDriver.open() on ${runtime} flushes the state that it found`,
    async () => {
      await using dir = await StateDir.make();
      await using output = await StateDir.make();
      await dir.put("state", 42);
      const command = await childCommand(["open", dir.path], { runtime });
      const trace = await traced(command, output.join("trace"));
      const flushed = callsOn(dir, trace).filter((call) => call.startsWith("fsync"));
      assert.deepEqual(flushed, ["fsync state", "fsync directory"]);
    },
  );

  ioTestNeeding(
    MISSING,
    `FileDriver.open() on ${runtime} flushes the sequences and leases that it found`,
    async () => {
      await using dir = await StateDir.make();
      await using output = await StateDir.make();
      await dir.put("state", 42);
      await dir.put("dense", DenseRecord.of(10).bytes);
      await dir.put("leases", encodeLeaseRecord([]));
      const command = await childCommand(["open", dir.path], { runtime });
      const trace = await traced(command, output.join("trace"));
      const flushed = callsOn(dir, trace).filter((call) => call.startsWith("fsync"));
      const files = flushed.filter((call) => call !== "fsync directory");
      assert.deepEqual(files, ["fsync state", "fsync dense", "fsync leases"]);
      assert.equal(flushed.at(-1), "fsync directory");
    },
  );
}
