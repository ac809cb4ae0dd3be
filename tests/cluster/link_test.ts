// SPDX-License-Identifier: Apache-2.0

import { fileURLToPath } from "node:url";
import { delay } from "@std/async";
import { ioTest } from "../_support/levels.ts";
import { until } from "../net/_support/until.ts";
import { RelayLink } from "./_support/link.ts";
import type { Link } from "./_support/link.ts";
import { ioTestInNamespaces, NetworkNamespace } from "./_support/network_namespace.ts";
import { BOTH } from "./_support/relay.ts";

/** Long enough for a byte to arrive on one machine. */
const MOMENT_MS = 100;
const PIPE = fileURLToPath(new URL("./_children/pipe.ts", import.meta.url));

/** The engine's side of a link: one connection. */
class FarSide implements AsyncDisposable {
  received = "";
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connection = this.#listener.accept();
  readonly #reading = this.#read();

  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  async send(text: string): Promise<void> {
    await (await this.#connection).write(new TextEncoder().encode(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reading;
    this.#listener.close();
  }

  async #read(): Promise<void> {
    using connection = await this.#connection;
    const buffer = new Uint8Array(1_024);
    for (;;) {
      const count = await connection.read(buffer).catch(() => null);
      if (count === null) return;
      this.received += new TextDecoder().decode(buffer.subarray(0, count));
    }
  }
}

/** The oracle's side of a link: a process, which can be in a network of its own. */
class NearSide implements AsyncDisposable {
  received = "";
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;

  constructor([program, ...args]: readonly [string, ...string[]]) {
    const options = { args, stdin: "piped", stdout: "piped", stderr: "inherit" } as const;
    this.#child = new Deno.Command(program, options).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  async send(text: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#writer.abort().catch(() => {});
    await this.#reading;
  }

  async #read(): Promise<void> {
    const texts = this.#child.stdout.pipeThrough(new TextDecoderStream());
    for await (const text of texts) this.received += text;
  }
}

/** Cuts a link between two sides that talk, and looks what arrives. */
async function tryLink(link: Link, far: FarSide, near: NearSide): Promise<void> {
  let sent = 0;
  const exchange = async () => {
    const letter = String.fromCharCode("a".charCodeAt(0) + sent++);
    await near.send(letter);
    await far.send(letter);
    await delay(MOMENT_MS);
  };
  const arrived = (atFar: string, atNear: string) =>
    until(
      `${atFar} and ${atNear}, not ${far.received} and ${near.received}`,
      () => far.received === atFar && near.received === atNear,
    );
  await exchange();
  await arrived("a", "a");
  await link.cut(["to-engine"]);
  await exchange();
  await arrived("a", "ab");
  await link.mend();
  await arrived("ab", "ab");
  await link.cut(["from-engine"]);
  await exchange();
  await arrived("abc", "ab");
  await link.mend();
  await arrived("abc", "abc");
  await link.cut(BOTH);
  await exchange();
  await arrived("abc", "abc");
  await link.mend();
  await arrived("abcd", "abcd");
}

function pipeTo(address = ""): readonly [string, ...string[]] {
  return [Deno.execPath(), "run", "--quiet", "--allow-net", PIPE, address];
}

ioTest("RelayLink holds back what goes the ways that are cut, and nothing else", async () => {
  await using far = new FarSide();
  await using link = await RelayLink.open([far.address]);
  await using near = new NearSide(pipeTo(link.endpoints[0]));
  await tryLink(link, far, near);
});

ioTestInNamespaces(
  undefined,
  "NetworkNamespace loses what goes the ways that are cut, and nothing else",
  async () => {
    await using far = new FarSide();
    await using link = await NetworkNamespace.open([far.address]);
    await using near = new NearSide(link.command(pipeTo(link.endpoints[0])));
    await tryLink(link, far, near);
  },
);
