// SPDX-License-Identifier: Apache-2.0

import { fileURLToPath } from "node:url";
import { within } from "../../_support/server_process.ts";

/** The root of the repository. */
export const ROOT: string = fileURLToPath(new URL("../../../", import.meta.url));

/** The command line as a process of Deno, with every permission. */
export const DENO_CLI = [Deno.execPath(), "run", "--no-prompt", "-A", "src/cli/main.ts"] as const;

const LIMIT_MS = 60_000;

/** Options of {@linkcode ChildCli}. */
export interface ChildCliOptions {
  /**
   * The program and what stands before the arguments.
   *
   * @default {DENO_CLI}
   */
  readonly program?: readonly [string, ...string[]];
  /**
   * Where it runs.
   *
   * @default {ROOT}
   */
  readonly cwd?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a child ended. */
export interface ChildEnd {
  readonly code: number;
  /** The signal that killed it, if one did. */
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command line in a process of its own, without standard input. Leaving its scope kills it. */
export class ChildCli implements AsyncDisposable {
  /** Settles when it has ended and all it wrote was read. */
  readonly ended: Promise<ChildEnd>;
  readonly #child: Deno.ChildProcess;
  readonly #texts = { stdout: "", stderr: "" };
  #changed: PromiseWithResolvers<void> = Promise.withResolvers<void>();

  /** Starts the process. */
  constructor(args: readonly string[], options: ChildCliOptions = {}) {
    const { program = DENO_CLI, cwd = ROOT, env = {} } = options;
    const [command, ...before] = program;
    this.#child = new Deno.Command(command, {
      args: [...before, ...args],
      cwd,
      env: { NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.ended = this.#follow();
  }

  /** Runs a process to its end. */
  static async run(args: readonly string[], options: ChildCliOptions = {}): Promise<ChildEnd> {
    await using child = new ChildCli(args, options);
    return await child.end();
  }

  /** Waits for its end. @throws {Error} with the output, if that does not come */
  end(): Promise<ChildEnd> {
    return within(this.ended, LIMIT_MS, () => `no end: ${this.#output()}`);
  }

  /** Resolves once what it wrote matches. @throws {Error} with the output, if it ends before */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#texts.stdout) ?? pattern.exec(this.#texts.stderr);
      if (match !== null) return match;
      const missing = () => `no ${pattern}: ${this.#output()}`;
      const next = Promise.race([this.#changed.promise, this.ended]);
      if (await within(next, LIMIT_MS, missing) !== undefined) throw new Error(missing());
    }
  }

  /** Sends a signal; one that comes too late is ignored. */
  signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Kills it and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.ended;
  }

  #output(): string {
    return `${this.#texts.stdout}${this.#texts.stderr}`;
  }

  async #follow(): Promise<ChildEnd> {
    const [{ code, signal }] = await Promise.all([
      this.#child.status,
      this.#read("stdout"),
      this.#read("stderr"),
    ]);
    return { code, signal, ...this.#texts };
  }

  async #read(name: "stdout" | "stderr"): Promise<void> {
    for await (const text of this.#child[name].pipeThrough(new TextDecoderStream())) {
      this.#texts[name] += text;
      this.#changed.resolve();
      this.#changed = Promise.withResolvers<void>();
    }
  }
}
