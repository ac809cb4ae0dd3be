// SPDX-License-Identifier: Apache-2.0

import { fileURLToPath } from "node:url";
import { Child } from "./child.ts";

const CLI = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** How long a node that was killed stays away, in milliseconds. */
const AWAY_MS = 3_000;

/** Where an oracle serves, and what it stands on. */
export interface OracleNodeOptions {
  /** Its name on the screen. */
  readonly name: string;
  /** Its port. */
  readonly port: number;
  /** The members of its etcd. */
  readonly etcd: readonly string[];
  /** Where its log goes. */
  readonly directory: string;
}

/** An oracle in a process of its own, which is started again whenever it ends. */
export class OracleNode {
  /** Where it serves. */
  readonly address: string;
  readonly #options: OracleNodeOptions;
  #child: Child;
  #stopping = false;

  /** Starts it. */
  constructor(options: OracleNodeOptions) {
    this.#options = options;
    this.address = `127.0.0.1:${options.port}`;
    this.#child = this.#start();
  }

  /** Its name on the screen. */
  get name(): string {
    return this.#options.name;
  }

  /** The number that `kill` takes. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Whether it answers that it leads. */
  async leads(): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(500);
      const answer = await fetch(`http://${this.address}/readyz`, { signal });
      return await answer.text() === "ok: serving\n";
    } catch {
      return false;
    }
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#child.stop();
  }

  #start(): Child {
    const { name, etcd, directory } = this.#options;
    const child = Child.start(name, [
      Deno.execPath(),
      ...["run", "--no-prompt", "-A", CLI, "serve", "etcd"],
      ...["--etcd", etcd.join(",")],
      ...["--listen", this.address, "--no-metrics", "--handover", "1s"],
    ], `${directory}/${name}.log`);
    void child.ended.then(({ code }) => this.#onEnd(code));
    return child;
  }

  #onEnd(code: number): void {
    if (this.#stopping) return;
    console.log(`${this.name} has ended with ${code}; it is started again in ${AWAY_MS / 1_000} s`);
    const timer = setTimeout(() => {
      if (this.#stopping) return;
      this.#child = this.#start();
      console.log(`${this.name} is back: pid ${this.pid}`);
    }, AWAY_MS);
    Deno.unrefTimer(timer);
  }
}
