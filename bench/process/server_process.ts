// SPDX-License-Identifier: Apache-2.0

const START_DEADLINE_MS = 20_000;
const STOP_DEADLINE_MS = 15_000;
/** How much of a server's log is kept to explain why it ended. */
const LOG_KEPT = 20_000;

/** A command line. */
export interface Program {
  /** The file to run. */
  readonly file: string;
  /** Its arguments. */
  readonly args: readonly string[];
}

/** A server under test, in a process of its own, which prints `serving on HOST:PORT` when it is ready. */
export class ServerProcess implements AsyncDisposable {
  /** Its port. */
  readonly port: number;
  readonly #child: Deno.ChildProcess;
  readonly #log: LogKeeper;
  readonly #outputs: Promise<unknown>;

  private constructor(port: number, parts: ServerParts) {
    this.port = port;
    this.#child = parts.child;
    this.#log = parts.log;
    this.#outputs = parts.outputs;
  }

  /**
   * Starts a server and waits until it serves.
   *
   * @throws {Error} with its log if it ends before it serves, or takes longer than 20 seconds
   */
  static async start(program: Program): Promise<ServerProcess> {
    const command = new Deno.Command(program.file, {
      args: [...program.args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    const child = command.spawn();
    const log = new LogKeeper();
    const port = Promise.withResolvers<number | undefined>();
    const watchdog = setTimeout(() => child.kill("SIGKILL"), START_DEADLINE_MS);
    const outputs = Promise.all([
      readLines(child.stdout, (line) => {
        const found = /^serving on .*:(\d+)$/.exec(line)?.[1];
        if (found !== undefined) port.resolve(Number(found));
      }).finally(() => port.resolve(undefined)),
      readLines(child.stderr, (line) => log.add(line)),
    ]);
    const bound = await port.promise;
    clearTimeout(watchdog);
    if (bound !== undefined) return new ServerProcess(bound, { child, log, outputs });
    await outputs;
    await child.status;
    throw new Error(`The server '${program.file} ${program.args.join(" ")}' ended:\n${log.text}`);
  }

  /** Its process. */
  get pid(): number {
    return this.#child.pid;
  }

  /** What it has logged, as far as it is kept. */
  get log(): string {
    return this.#log.text;
  }

  /** Ends it, politely at first. */
  async [Symbol.asyncDispose](): Promise<void> {
    const signal = (name: Deno.Signal) => {
      try {
        this.#child.kill(name);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // It has ended already.
      }
    };
    signal("SIGTERM");
    const watchdog = setTimeout(() => signal("SIGKILL"), STOP_DEADLINE_MS);
    await Promise.all([this.#child.status, this.#outputs]);
    clearTimeout(watchdog);
  }
}

interface ServerParts {
  readonly child: Deno.ChildProcess;
  readonly log: LogKeeper;
  readonly outputs: Promise<unknown>;
}

class LogKeeper {
  #text = "";

  get text(): string {
    return this.#text;
  }

  add(line: string): void {
    if (this.#text.length < LOG_KEPT) this.#text += `${line}\n`;
  }
}

async function readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  }
}
