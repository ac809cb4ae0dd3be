// SPDX-License-Identifier: Apache-2.0

import type { CliContext, StopSignal } from "../../../src/cli/main.ts";
import { main } from "../../../src/cli/main.ts";

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

/** Runs a command line in this process to its end. */
export function runCli(args: readonly string[], env: CliContext["env"] = {}): Promise<CliResult> {
  return startCli(args, env).result;
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
        const over = await Promise.race([changed.promise, result]);
        if (over !== undefined) throw new Error(`Ended with ${JSON.stringify(over)}`);
      }
    },
    result,
  };
}
