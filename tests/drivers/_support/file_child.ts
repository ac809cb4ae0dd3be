// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("../_children/file_child.ts", import.meta.url));

/** Where a child runs. */
export type Runtime = "deno" | "node";

/** What a child that opened a directory found: a high-water, or a refusal. */
export interface Found {
  readonly highWaterMs?: number;
  readonly warnings?: readonly string[];
  readonly code?: string;
  readonly message?: string;
}

/** Options of {@linkcode FileChild.start} and {@linkcode openInChild}. */
export interface FileChildOptions {
  /** @default {"deno"} */
  readonly runtime?: Runtime;
  /** Deno's permissions. @default {["-A"]} */
  readonly permissions?: readonly string[];
  /** @default {{}} */
  readonly env?: Readonly<Record<string, string>>;
}

/** A process around the file driver. It is killed when its test ends. */
export class FileChild implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #chunks: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.#chunks = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Starts tests/drivers/_children/file_child.ts with some arguments. */
  static async start(
    args: readonly [string, ...string[]],
    options: FileChildOptions = {},
  ): Promise<FileChild> {
    const [program, ...rest] = await childCommand(args, options);
    const command = new Deno.Command(program, {
      args: rest,
      env: options.env ?? {},
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    });
    return new FileChild(command.spawn());
  }

  /** Starts a child that holds a directory, and waits until it does. */
  static async holding(directory: string, options: FileChildOptions = {}): Promise<FileChild> {
    const child = await FileChild.start(["hold", directory], options);
    assert.equal(await child.line(), "open");
    return child;
  }

  /** The next whole line of its output, or `undefined` at the end. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n");
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return line;
      }
      const { done, value } = await this.#chunks.read();
      if (done) return undefined;
      this.#text += value;
    }
  }

  /** The whole lines that are left, up to the end of the process. */
  async rest(): Promise<string[]> {
    const lines: string[] = [];
    for (let line = await this.line(); line !== undefined; line = await this.line()) {
      lines.push(line);
    }
    return lines;
  }

  /** Ends the process as a crash does, and waits until the system has cleared it away. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
  }

  /** Ends its standard input, which a holding child takes for the wish to close. */
  async endInput(): Promise<void> {
    await this.#process.stdin.close();
  }

  /** Waits for the end by itself. */
  async ended(): Promise<Deno.CommandStatus> {
    return await this.#process.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended already
    }
    await this.#process.status;
    await this.#process.stdin.close().catch(() => {});
    await this.#chunks.cancel();
  }
}

/** The program of a child and its arguments. */
export async function childCommand(
  args: readonly [string, ...string[]],
  options: FileChildOptions = {},
): Promise<[string, ...string[]]> {
  const { runtime = "deno", permissions = ["-A"] } = options;
  if (runtime === "node") return [await nodePath(), await bundle(), ...args];
  return [Deno.execPath(), "run", "--quiet", "--no-prompt", ...permissions, SCRIPT, ...args];
}

/** Opens a directory in a process of its own, and tells what that found. */
export async function openInChild(
  directory: string,
  options: FileChildOptions = {},
): Promise<Found> {
  await using child = await FileChild.start(["open", directory], options);
  const line = await child.line();
  assert.ok(line !== undefined, "the child printed nothing");
  assert.equal((await child.ended()).code, 0);
  return JSON.parse(line);
}

let bundled: Promise<string> | undefined;

/** The child as one file that Node can run. */
function bundle(): Promise<string> {
  bundled ??= makeBundle();
  return bundled;
}

async function makeBundle(): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "tsoracle-bundle-" });
  globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
  const output = `${directory}/file_child.mjs`;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "deno", "--output", output, SCRIPT],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return output;
}

/** An absolute path, so that a test may empty PATH. */
async function nodePath(): Promise<string> {
  const { success, stdout } = await new Deno.Command("node", {
    args: ["--print", "process.execPath"],
  }).output();
  assert.ok(success, "node is not installed");
  return new TextDecoder().decode(stdout).trim();
}
