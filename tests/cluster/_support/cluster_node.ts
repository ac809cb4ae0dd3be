// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { delay } from "@std/async";
import type { Ended, ServerProcess } from "../../_support/server_process.ts";

const LOOK_EVERY_MS = 5;
const LIMIT_MS = 60_000;

/** Starts the process of a node, on the address that its callers know. */
export type StartNode = (address: string) => Promise<ServerProcess>;

/** One oracle of a cluster: a process that comes and goes on one address. */
export class ClusterNode implements AsyncDisposable {
  /** Its place in the cluster, from 0. */
  readonly index: number;
  /** Where it serves, `host:port`; the same in each of its lives. */
  readonly address: string;
  readonly #start: StartNode;
  #process: ServerProcess | undefined;
  /** Settles with the latest start. */
  #started: Promise<unknown> = Promise.resolve();

  /** Makes a node that does not run yet. */
  constructor(index: number, address: string, start: StartNode) {
    this.index = index;
    this.address = address;
    this.#start = start;
  }

  /** The process, if one was started and not ended. */
  get process(): ServerProcess {
    assert.ok(this.#process !== undefined, `node ${this.index} does not run`);
    return this.#process;
  }

  /** What the present or last process has printed; for messages of failed tests. */
  get output(): string {
    return this.#process?.output ?? "";
  }

  /** Starts its process and waits until it says that it serves. */
  async start(): Promise<void> {
    const starting = this.#start(this.address);
    this.#started = starting.catch(() => {});
    this.#process = await starting;
  }

  /** Ends it without a warning, and waits until it is gone. */
  async kill(): Promise<void> {
    await this.process.kill();
  }

  /** Stops it by SIGTERM. @throws {Error} with the output, if it does not end */
  async stop(): Promise<Ended> {
    return await this.process.stop();
  }

  /** Pauses it, and waits until the system says that it stands still. */
  async pause(): Promise<void> {
    this.process.signal("SIGSTOP");
    await untilStopped(this.process.pid);
  }

  /** Lets it go on. */
  resume(): void {
    this.process.signal("SIGCONT");
  }

  /** Ends it, paused or not, or still to be started by somebody who does not wait any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#started;
    await this.#process?.[Symbol.asyncDispose]();
  }
}

/**
 * Waits until a process is paused: SIGSTOP only asks for it.
 *
 * @throws {AssertionError} if it is not within a minute
 */
export async function untilStopped(pid: number): Promise<void> {
  const giveUpMs = performance.now() + LIMIT_MS;
  while (stateOf(pid) !== "T") {
    assert.ok(performance.now() < giveUpMs, `process ${pid} is ${stateOf(pid)}, not paused`);
    await delay(LOOK_EVERY_MS);
  }
}

/** The state of the main thread as one letter. */
function stateOf(pid: number): string | undefined {
  return /^State:\s+(\w)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
}
