// SPDX-License-Identifier: Apache-2.0

import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const START_LIMIT_MS = 60_000;
const EXIT_LIMIT_MS = 60_000;

/** A program and its arguments, in front of `serve`. */
export type Program = readonly [string, ...string[]];

/** The command line of this checkout, on the runtime of the tests. */
export const CLI: Program = [
  Deno.execPath(),
  ...["run", "--quiet", "--no-prompt", "-A", "src/cli/main.ts"],
];

/** Options of {@linkcode ServerProcess.start}. */
export interface ServerProcessOptions {
  /**
   * The words behind `serve` that name a driver and where its engine is, such as `etcd --etcd HOST:PORT`. Without
   * them the process keeps its state in a directory.
   */
  readonly driver?: readonly string[];
  /** Further flags; the driver's and the absence of metrics are given already. */
  readonly flags?: readonly string[];
  /**
   * Where the state is kept. Without it and without a driver the process gets a directory that lives as long as it
   * does.
   */
  readonly directory?: string;
  /**
   * Where to listen.
   *
   * @default {"127.0.0.1:0"}
   */
  readonly listen?: string;
  /**
   * What is run.
   *
   * @default {CLI}
   */
  readonly program?: Program;
}

/** How a process ended. */
export interface Ended {
  /** The exit code; 128 and more if a signal ended it. */
  readonly code: number;
  /** The signal that ended it, if one did. */
  readonly signal: Deno.Signal | null;
}

/** A real server in a process of its own. Leaving its scope kills it. */
export class ServerProcess implements AsyncDisposable {
  /** The address of the printed line. */
  readonly hostname: string;
  /** The port of the printed line. */
  readonly port: number;
  /** Settles when the process has ended. */
  readonly exited: Promise<Ended>;
  readonly #running: RunningChild;
  readonly #placed: Placed;

  private constructor(running: RunningChild, address: string, placed: Placed) {
    const colon = address.lastIndexOf(":");
    this.hostname = address.slice(0, colon);
    this.port = Number(address.slice(colon + 1));
    this.exited = running.exited;
    this.#running = running;
    this.#placed = placed;
  }

  /**
   * Starts a server and waits for its line.
   *
   * @throws {Error} with the output, if it ends or stays silent instead
   */
  static async start(options: ServerProcessOptions = {}): Promise<ServerProcess> {
    const placed = await place(options);
    const running = new RunningChild(commandLine(placed, options));
    try {
      return new ServerProcess(running, await running.address(), placed);
    } catch (error) {
      running.signal("SIGKILL");
      await running.exited;
      await displace(placed);
      throw error;
    }
  }

  /**
   * Starts a server and kills it without a warning, whether it serves by then or not.
   *
   * @param moment says when
   */
  static async killWhileStarting(directory: string, moment: () => Promise<void>): Promise<void> {
    const running = new RunningChild(commandLine({ directory, owned: false }, {}));
    await moment();
    running.signal("SIGKILL");
    await running.exited;
  }

  /**
   * Where the state is kept.
   *
   * @throws {TypeError} if the driver keeps it elsewhere
   */
  get directory(): string {
    const { directory } = this.#placed;
    if (directory === undefined) throw new TypeError("the server was started without a directory");
    return directory;
  }

  /** The process. */
  get pid(): number {
    return this.#running.pid;
  }

  /** `host:port`, as gRPC clients want it. */
  get address(): string {
    return `${this.hostname}:${this.port}`;
  }

  /** What it has printed so far; for messages of failed tests. */
  get output(): string {
    return this.#running.output;
  }

  /** The data it has printed so far. */
  get stdout(): string {
    return this.#running.stdout;
  }

  /** Sends a signal; one that comes too late is ignored. */
  signal(signal: Deno.Signal): void {
    this.#running.signal(signal);
  }

  /** Kills it without a warning and waits until it is gone. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.exited;
  }

  /**
   * Waits until it ends by itself.
   *
   * @throws {Error} with the output, if it does not
   */
  async ended(): Promise<Ended> {
    return await within(this.exited, EXIT_LIMIT_MS, () => `it did not end: ${this.output}`);
  }

  /** Asks it to stop and waits for its end. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<Ended> {
    this.signal(signal);
    return await this.ended();
  }

  /** Kills it, and removes its directory if that was made for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await displace(this.#placed);
  }
}

function commandLine({ directory }: Placed, options: ServerProcessOptions): Program {
  const { driver = [], flags = [], listen = "127.0.0.1:0", program = CLI } = options;
  const state = directory === undefined ? [] : ["--state-dir", directory];
  return [...program, "serve", ...driver, "--listen", listen, ...state, "--no-metrics", ...flags];
}

/** Where a process keeps its state. */
interface Placed {
  readonly directory: string | undefined;
  readonly owned: boolean;
}

async function place({ directory, driver }: ServerProcessOptions): Promise<Placed> {
  if (directory !== undefined || driver !== undefined) return { directory, owned: false };
  return { directory: await Deno.makeTempDir({ prefix: "tsoracle-" }), owned: true };
}

async function displace({ directory, owned }: Placed): Promise<void> {
  if (owned && directory !== undefined) await Deno.remove(directory, { recursive: true });
}

/** A child process whose output is read to its end, so that it never waits for a reader. */
class RunningChild {
  readonly exited: Promise<Ended>;
  readonly #child: Deno.ChildProcess;
  readonly #announced = Promise.withResolvers<string>();
  readonly #texts = { stdout: "", stderr: "" };

  constructor([program, ...args]: Program) {
    this.#child = new Deno.Command(program, {
      args,
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.exited = this.#follow();
  }

  get pid(): number {
    return this.#child.pid;
  }

  get stdout(): string {
    return this.#texts.stdout;
  }

  get output(): string {
    return `${this.#texts.stdout}${this.#texts.stderr}`;
  }

  /** The address of the line that says it serves. */
  address(): Promise<string> {
    const silent = () => `no address within ${START_LIMIT_MS} ms: ${this.output}`;
    return within(this.#announced.promise, START_LIMIT_MS, silent);
  }

  signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async #follow(): Promise<Ended> {
    const [status] = await Promise.all([
      this.#child.status,
      this.#read("stdout"),
      this.#read("stderr"),
    ]);
    this.#announced.reject(new Error(`the server ended with ${status.code}: ${this.output}`));
    this.#announced.promise.catch(() => {});
    return { code: status.code, signal: status.signal };
  }

  async #read(name: "stdout" | "stderr"): Promise<void> {
    for await (const text of this.#child[name].pipeThrough(new TextDecoderStream())) {
      this.#texts[name] += text;
      const address = /^serving on (.+)\n/m.exec(this.#texts.stdout)?.[1];
      if (address !== undefined) this.#announced.resolve(address);
    }
  }
}

/**
 * The promise, or an error once the limit has passed.
 *
 * @param describe says what did not happen
 */
export async function within<T>(
  promise: Promise<T>,
  limitMs: number,
  describe: () => string,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(describe())), limitMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
