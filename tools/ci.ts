// SPDX-License-Identifier: Apache-2.0

/**
 * The steps of `.ci/run`, one after the other. A failed step does not hide the ones behind it. The last line
 * is `N passed, N failed`, where each check counts as one and each test as one.
 *
 * @module
 */

import { ask } from "./_command.ts";

const PURE_HINT = "run `deno task test`";
const TEST_LIMIT_SECONDS = 15 * 60;
const CHECK_LIMIT_SECONDS = 4 * 60;

/** One step. */
interface Step {
  readonly name: string;
  readonly program?: string;
  readonly args: readonly string[];
  /** Judges a step whose exit code is 0. @returns what is wrong, if anything */
  readonly inspect?: (output: string) => string | undefined;
  /** Whether the step runs tests that count one by one. */
  readonly counts?: boolean;
}

/** How many of what was run went well. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
}

interface Ended {
  readonly success: boolean;
  readonly output: string;
}

const STEPS: readonly Step[] = [
  { name: "lockfile", args: ["ci", "--quiet"] },
  { name: "format", args: ["fmt", "--check"] },
  { name: "lint", args: ["lint"] },
  { name: "types", args: ["task", "--quiet", "check"] },
  { name: "layers", args: ["task", "--quiet", "check:layers"] },
  { name: "documentation of exports", args: ["task", "--quiet", "check:docs"] },
  { name: "proto and generated code", args: ["task", "--quiet", "check:proto"] },
  { name: "wire compatibility", args: ["task", "--quiet", "check:breaking"] },
  { name: "publish, dry run", args: ["task", "--quiet", "check:publish"] },
  {
    name: "tests without permissions",
    args: ["test", "--parallel"],
    inspect: (output) => output.includes(PURE_HINT) ? undefined : `no line says: ${PURE_HINT}`,
  },
  {
    name: "tests",
    program: "npx",
    args: ["-y", `deno@${Deno.version.deno}`, "task", "test"],
    inspect: (output) => {
      const { ignored } = tallyOf(output) ?? { ignored: 0 };
      return ignored === 0
        ? undefined
        : `${ignored} tests were ignored: something is not installed`;
    },
    counts: true,
  },
  {
    name: "tests of the sockets on the HTTP/2 of the runtime",
    program: "npx",
    args: ["-y", `deno@${Deno.version.deno}`, "task", "test:edge"],
    counts: true,
  },
];

const TREE = ["status", "--porcelain", "--untracked-files=all"] as const;

/** The steps change nothing that git would notice. */
function cleanliness(before: string): Step {
  return {
    name: "nothing left behind",
    program: "git",
    args: TREE,
    inspect: (after) => after.trim() === before ? undefined : "the steps changed the working tree",
  };
}

/** Reads the last summary of `deno test`. @returns undefined if there is none */
export function tallyOf(output: string): Tally | undefined {
  const lines = output.split("\n").filter((line) => /^(ok|FAILED) \| \d+ passed/.test(line));
  const summary = lines.at(-1);
  if (summary === undefined) return undefined;
  const count = (word: string) => Number(summary.match(`(\\d+) ${word}`)?.[1] ?? 0);
  return { passed: count("passed"), failed: count("failed"), ignored: count("ignored") };
}

/**
 * Counts a step. A step of tests counts its tests, and one failure more if it ended badly although no test
 * failed: a leak outside a test, a crash, a time-out.
 */
export function tallyStep(
  ended: { readonly success: boolean; readonly output: string },
  counts: boolean,
): Tally {
  const tests = counts ? tallyOf(ended.output) : undefined;
  if (tests === undefined) {
    return { passed: ended.success ? 1 : 0, failed: ended.success ? 0 : 1, ignored: 0 };
  }
  const silent = !ended.success && tests.failed === 0;
  return { ...tests, failed: tests.failed + (silent ? 1 : 0) };
}

async function runStep(step: Step): Promise<Ended> {
  const limit = step.counts === true ? TEST_LIMIT_SECONDS : CHECK_LIMIT_SECONDS;
  // `timeout` ends the whole process group, which a signal to the child alone would not.
  const command = new Deno.Command("timeout", {
    args: ["--kill-after=10", `${limit}`, step.program ?? Deno.execPath(), ...step.args],
    env: { NO_COLOR: "1", CI: "true" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const child = command.spawn();
  const show = step.counts === true;
  const [stdout, stderr, status] = await Promise.all([
    collect(child.stdout, show),
    collect(child.stderr, show),
    child.status,
  ]);
  const output = stdout + stderr;
  const complaint = status.success ? step.inspect?.(output) : undefined;
  if (complaint !== undefined) return { success: false, output: `${output}\n${complaint}\n` };
  return { success: status.success, output };
}

async function collect(stream: ReadableStream<Uint8Array>, show: boolean): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    const part = decoder.decode(chunk, { stream: true });
    if (show) await Deno.stdout.write(chunk);
    text += part;
  }
  return text + decoder.decode();
}

async function main(): Promise<number> {
  const before = await ask("git", TREE) ?? "";
  const failures: string[] = [];
  let passed = 0;
  let failed = 0;
  for (const step of [...STEPS, cleanliness(before)]) {
    console.log(`::: ${step.name}`);
    const startedMs = performance.now();
    const ended = await runStep(step);
    const tally = tallyStep(ended, step.counts === true);
    passed += tally.passed;
    failed += tally.failed;
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    if (!ended.success) {
      failures.push(step.name);
      if (step.counts !== true) console.log(ended.output);
    }
    console.log(`    ${ended.success ? "ok" : "FAILED"} in ${seconds} s`);
  }
  for (const name of failures) console.log(`failed: ${name}`);
  console.log(`${passed} passed, ${failed} failed`);
  return failures.length === 0 && failed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
