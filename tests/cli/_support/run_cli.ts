// SPDX-License-Identifier: Apache-2.0

import type { CliContext, StopSignal } from "../../../src/cli/main.ts";
import { main } from "../../../src/cli/main.ts";
import { within } from "../../_support/server_process.ts";

/** What a command line did. */
export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command line that runs in this process. */
export interface RunningCli {
  /** What was printed so far. */
  readonly stdout: () => string;
  /** What was reported so far. */
  readonly stderr: () => string;
  /** Sends a signal, as the operating system would. */
  readonly signal: (signal: StopSignal) => void;
  /** Resolves once the output, or what was reported, matches. Rejects if the command ends before. */
  readonly until: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** The end. */
  readonly result: Promise<CliResult>;
}

/** A command that should have ended by then serves instead, or hangs. */
const LIMIT_MS = 60_000;

/** Runs a command line in this process to its end. */
export async function runCli(
  args: readonly string[],
  env: CliContext["env"] = {},
): Promise<CliResult> {
  const cli = startCli(args, env);
  const describe = () => `${args.join(" ")} did not end: ${cli.stdout()}${cli.stderr()}`;
  try {
    return await within(cli.result, LIMIT_MS, describe);
  } catch (error) {
    cli.signal("SIGTERM");
    throw error;
  }
}

/** Starts a command line in this process. */
export function startCli(args: readonly string[], env: CliContext["env"] = {}): RunningCli {
  const written = { stdout: "", stderr: "" };
  const listeners = new Set<(signal: StopSignal) => void>();
  let changed = Promise.withResolvers<void>();
  const outputTo = (name: keyof typeof written) => ({
    write(text: string) {
      written[name] += text;
      changed.resolve();
      changed = Promise.withResolvers<void>();
    },
  });
  const ended = main({
    args,
    env,
    stdout: outputTo("stdout"),
    stderr: outputTo("stderr"),
    signals: {
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  });
  const result = ended.then((code) => ({ code, ...written }));
  return {
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    signal: (signal) => listeners.forEach((listener) => listener(signal)),
    async until(pattern) {
      for (;;) {
        const match = pattern.exec(written.stdout) ?? pattern.exec(written.stderr);
        if (match !== null) return match;
        const describe = () => `no ${pattern}: ${written.stdout}${written.stderr}`;
        const over = await within(Promise.race([changed.promise, result]), LIMIT_MS, describe);
        if (over !== undefined) throw new Error(`Ended with ${JSON.stringify(over)}`);
      }
    },
    result,
  };
}
