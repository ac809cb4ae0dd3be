// SPDX-License-Identifier: Apache-2.0

import { fileURLToPath } from "node:url";
import { within } from "../../_support/server_process.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const LIMIT_MS = 60_000;

/** The command that an example's own comment gives, without the placeholders of its arguments. */
export async function commandOf(path: string): Promise<readonly string[]> {
  const text = await Deno.readTextFile(`${ROOT}${path}`);
  const [, command = ""] = text.match(/^ \* {5}(deno run [^[\n]*)/m) ?? [];
  const words = command.trim().split(" ");
  if (words.at(-1) !== path) throw new Error(`${path} does not say how to run it: ${command}`);
  return words.slice(1);
}

/** An example that runs, started by the command in its comment. */
export class RunningExample implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<unknown>;
  readonly #grown = new EventTarget();
  #text = "";

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#read = Promise.all([this.#follow(child.stdout), this.#follow(child.stderr)]);
  }

  /** Starts an example with arguments of its own. */
  static async start(path: string, ...args: readonly string[]): Promise<RunningExample> {
    const command = new Deno.Command(Deno.execPath(), {
      args: [...await commandOf(path), ...args],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    return new RunningExample(command.spawn());
  }

  /** All that it has printed. */
  get text(): string {
    return this.#text;
  }

  /** Waits until it has printed something that matches, and returns the first group of it. */
  async printed(pattern: RegExp): Promise<string> {
    const seen = Promise.withResolvers<string>();
    const look = () => {
      const found = pattern.exec(this.#text)?.[1];
      if (found !== undefined) seen.resolve(found);
    };
    this.#grown.addEventListener("text", look);
    look();
    try {
      return await within(seen.promise, LIMIT_MS, () => `no ${pattern} in: ${this.#text}`);
    } finally {
      this.#grown.removeEventListener("text", look);
    }
  }

  /** Asks it to stop. @returns its exit code */
  async stop(): Promise<number> {
    this.#child.kill("SIGTERM");
    return await this.finished();
  }

  /** Waits for its end. @returns its exit code */
  async finished(): Promise<number> {
    const ended = Promise.all([this.#child.status, this.#read]);
    const [{ code }] = await within(ended, LIMIT_MS, () => `it does not end: ${this.#text}`);
    return code;
  }

  /** Kills it if it still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    await this.finished();
  }

  async #follow(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#text += text;
      this.#grown.dispatchEvent(new Event("text"));
    }
  }
}
