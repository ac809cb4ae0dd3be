// SPDX-License-Identifier: Apache-2.0

import { fileURLToPath } from "node:url";
import type { EdgeName } from "../../../src/net/edge.ts";
import { EDGE } from "../../_support/edge.ts";
import type { Costs } from "../_children/server.ts";
import { soon } from "./until.ts";

const SCRIPT = new URL("../_children/server.ts", import.meta.url);

/** Options of {@linkcode ChildServer.start}. */
export interface ChildServerOptions {
  /**
   * What runs. It prints its address, and shuts down at the end of its input.
   *
   * @default {_children/server.ts}
   */
  readonly script?: URL;
  /**
   * Who speaks HTTP/2.
   *
   * @default {that of the run}
   */
  readonly edge?: EdgeName;
}

/** A server in a process of its own; see `_children/server.ts`. */
export class ChildServer implements AsyncDisposable {
  readonly port: number;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncGenerator<string>;

  private constructor(child: Deno.ChildProcess, lines: AsyncGenerator<string>, port: number) {
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.#lines = lines;
    this.port = port;
  }

  static async start(options: ChildServerOptions = {}): Promise<ChildServer> {
    const { script = SCRIPT, edge = EDGE } = options;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--v8-flags=--expose-gc", fileURLToPath(script)],
      env: { TSORACLE_EDGE: edge },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const lines = linesOf(child.stdout);
    const address = await lines.next();
    return new ChildServer(child, lines, Number(String(address.value).split(":").pop()));
  }

  /** What the server costs now. */
  async costs(): Promise<Costs> {
    await this.#input.write(new TextEncoder().encode("costs\n"));
    const line = await soon("an answer of the process", this.#lines.next());
    if (line.done) throw new Error("the server process has ended");
    return JSON.parse(line.value);
  }

  /** Sends the process a signal. */
  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Lets the server shut down, and returns the exit code of the process. */
  async stop(): Promise<number> {
    await this.#input.close();
    return (await soon("the end of the process", this.#child.status)).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#input.close().catch(() => {});
    await this.#lines.return(undefined);
    await this.#child.status;
  }
}

async function* linesOf(output: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let text = "";
  for await (const part of output.pipeThrough(new TextDecoderStream())) {
    text += part;
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    yield* lines;
  }
}
