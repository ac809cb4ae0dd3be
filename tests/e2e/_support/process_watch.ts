// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { delay } from "@std/async";
import type { ServerProcess } from "../../_support/server_process.ts";
import { DIALECTS } from "./dialects.ts";
import { H1Client } from "./h1_client.ts";
import { H2Client } from "./h2_client.ts";

const POLL_MS = 20;
const LIMIT_MS = 60_000;

/** What a server process holds, as the system sees it. Where there is no /proc, nothing is seen. */
export class ProcessWatch {
  readonly #server: ServerProcess;
  readonly #sockets: number | undefined;

  /** Remembers how many sockets the process has now: none of them is a client's. */
  constructor(server: ServerProcess) {
    this.#server = server;
    this.#sockets = openSockets(server.pid);
  }

  /** Memory of the process in bytes that is not on disk. */
  get residentBytes(): number {
    const status = readProc(`${this.#server.pid}/status`);
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status ?? "")?.[1] ?? 0) * 1024;
  }

  /**
   * Checks that the server answers in every protocol, and holds no connection afterwards.
   *
   * @throws {AssertionError} with what it has printed
   */
  async unharmed(): Promise<void> {
    const { address } = this.#server;
    {
      using h1 = new H1Client(`http://${address}`);
      await using h2 = new H2Client(`http://${address}`);
      for (const dialect of DIALECTS) {
        const client = dialect.overHttp1 ? h1 : h2;
        const { kind } = dialect.read(await client.call(dialect.request(1)));
        assert.equal(kind, "grant", this.#server.output);
      }
    }
    await this.#untilNoClient();
  }

  async #untilNoClient(): Promise<void> {
    const { pid } = this.#server;
    const giveUpMs = performance.now() + LIMIT_MS;
    while (openSockets(pid) !== this.#sockets) {
      const held = `${openSockets(pid)} sockets are open, not ${this.#sockets}`;
      assert.ok(performance.now() < giveUpMs, `${held}: ${this.#server.output}`);
      await delay(POLL_MS);
    }
  }
}

/** The sockets of a process; nothing where the system does not tell. */
function openSockets(pid: number): number | undefined {
  try {
    const links = [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => linkOf(pid, name));
    return links.filter((link) => link.startsWith("socket:")).length;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function linkOf(pid: number, name: string): string {
  try {
    return Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
  } catch {
    return "closed meanwhile";
  }
}

function readProc(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(`/proc/${path}`);
  } catch {
    return undefined;
  }
}
