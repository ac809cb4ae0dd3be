// SPDX-License-Identifier: Apache-2.0

/** How long a process may take to end when it is asked to, in milliseconds. */
const PATIENCE_MS = 3_000;

/** A process whose output is kept in a file, except for the lines that somebody wants to see. */
export class Child {
  /** Its name on the screen. */
  readonly name: string;
  /** How it ended, once it has. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #process: Deno.ChildProcess;
  readonly #log: Promise<unknown>;

  private constructor(name: string, process: Deno.ChildProcess, logFile: string) {
    this.name = name;
    this.#process = process;
    this.ended = process.status;
    this.#log = Promise.all([keep(process.stdout, logFile), keep(process.stderr, logFile)]);
  }

  /** Starts a program. Its output is appended to the file. */
  static start(name: string, command: readonly [string, ...string[]], logFile: string): Child {
    const [program, ...args] = command;
    const process = new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return new Child(name, process, logFile);
  }

  /** The number that `kill` takes. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Asks it to end, and ends it if it does not, also if it is paused. */
  async stop(): Promise<void> {
    for (const signal of ["SIGTERM", "SIGCONT"] as const) this.#send(signal);
    const timer = setTimeout(() => this.#send("SIGKILL"), PATIENCE_MS);
    await this.ended;
    clearTimeout(timer);
    await this.#log;
  }

  #send(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch {
      // It has ended.
    }
  }
}

async function keep(output: ReadableStream<Uint8Array>, logFile: string): Promise<void> {
  for await (const bytes of output) await Deno.writeFile(logFile, bytes, { append: true });
}
