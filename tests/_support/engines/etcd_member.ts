// SPDX-License-Identifier: Apache-2.0

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { within } from "../server_process.ts";

const EXIT_LIMIT_MS = 60_000;
const ANSWER_LIMIT_MS = 2_000;
const STOP_LIMIT_MS = 30_000;
const KEPT_OUTPUT = 16_384;

/** Where a member is reached. */
export interface EtcdPorts {
  /** For clients. */
  readonly client: number;
  /** For the other members. */
  readonly peer: number;
  /** For health and metrics, always without TLS. */
  readonly metrics: number;
}

/** What makes an {@linkcode EtcdMember}. */
export interface EtcdMemberOptions {
  /** Its name in the cluster. */
  readonly name: string;
  /** `https` if clients use TLS. */
  readonly scheme: "http" | "https";
  /** Its ports, which it keeps over restarts. */
  readonly ports: EtcdPorts;
  /** The command line behind `etcd`. */
  readonly flags: readonly string[];
}

/** One etcd process on loopback, which can be killed, paused and started again with the same data. */
export class EtcdMember implements AsyncDisposable {
  /** Its name in the cluster. */
  readonly name: string;
  /** The URL for clients. */
  readonly endpoint: string;
  readonly #options: EtcdMemberOptions;
  #child: Deno.ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #output = "";
  #isPaused = false;
  #isWanted = false;

  /** Makes a member that does not run yet. */
  constructor(options: EtcdMemberOptions) {
    this.name = options.name;
    this.endpoint = `${options.scheme}://127.0.0.1:${options.ports.client}`;
    this.#options = options;
  }

  /** The process, or `undefined` if it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Whether it runs and is not paused. */
  get isAwake(): boolean {
    return this.#child !== undefined && !this.#isPaused;
  }

  /** Whether it has ended by itself. */
  get hasFailed(): boolean {
    return this.#isWanted && this.#child === undefined;
  }

  /** The end of what its latest process has printed; for messages of failed tests. */
  get output(): string {
    return this.#output;
  }

  /** Starts the process; whether it serves is another question. */
  start(): void {
    if (this.#child !== undefined) throw new Error(`${this.name} runs already`);
    this.#output = "";
    this.#isPaused = false;
    this.#isWanted = true;
    const child = new Deno.Command("etcd", {
      args: [...this.#options.flags],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    this.#exited = this.#follow(child);
  }

  /** Kills it without a warning and waits until it is gone. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** Asks it to stop and waits until it is gone. */
  stop(): Promise<void> {
    return this.#end("SIGTERM");
  }

  /** Stops its clock: it keeps its connections, accepts new ones, and answers nothing from here on. */
  pause(): void {
    this.#isPaused = true;
    this.#signal("SIGSTOP");
    if (this.pid !== undefined) waitUntilStopped(this.pid);
  }

  /** Lets it go on after {@linkcode EtcdMember.pause}. */
  resume(): void {
    this.#isPaused = false;
    this.#signal("SIGCONT");
  }

  /** Whether it answers and is part of a cluster that has a leader. */
  async isHealthy(): Promise<boolean> {
    const text = await this.#ask("/health");
    return text !== undefined && /"health":\s*"true"/.test(text);
  }

  /** Whether it answers and leads its cluster. */
  async isLeader(): Promise<boolean> {
    const text = await this.#ask("/metrics");
    return text !== undefined && /^etcd_server_is_leader 1$/m.test(text);
  }

  /** Kills it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #end(signal: Deno.Signal): Promise<void> {
    this.#isWanted = false;
    this.#signal(signal);
    await within(this.#exited, EXIT_LIMIT_MS, () => `${this.name} did not end: ${this.#output}`);
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#child?.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async #follow(child: Deno.ChildProcess): Promise<void> {
    await Promise.all([child.status, this.#read(child.stdout), this.#read(child.stderr)]);
    this.#child = undefined;
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#output = (this.#output + text).slice(-KEPT_OUTPUT);
    }
  }

  /** What its own HTTP server says, or `undefined` if it says nothing. */
  async #ask(path: string): Promise<string | undefined> {
    if (!this.isAwake) return undefined;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ANSWER_LIMIT_MS);
    try {
      const url = `http://127.0.0.1:${this.#options.ports.metrics}${path}`;
      const answer = await fetch(url, { signal: late.signal });
      return await answer.text();
    } catch (error) {
      if (error instanceof TypeError || late.signal.aborted) return undefined;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** On a busy machine a process goes on for a while after it was sent the signal, each thread for itself. */
function waitUntilStopped(pid: number): void {
  const end = performance.now() + STOP_LIMIT_MS;
  const never = new Int32Array(new SharedArrayBuffer(4));
  while (!isStopped(pid) && performance.now() < end) Atomics.wait(never, 0, 0, 1);
}

function isStopped(pid: number): boolean {
  const directory = `/proc/${pid}/task`;
  if (!existsSync(directory)) return true;
  try {
    return readdirSync(directory).every((thread) => {
      const stat = readFileSync(`${directory}/${thread}/stat`, "utf8");
      return stat.slice(stat.lastIndexOf(")")).startsWith(") T");
    });
  } catch {
    // A thread has ended meanwhile, so not all were stopped.
    return false;
  }
}
