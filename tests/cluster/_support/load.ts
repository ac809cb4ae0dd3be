// SPDX-License-Identifier: Apache-2.0

import { delay } from "@std/async";
import type { BaseTsoClient } from "../../../src/client/tso_client.ts";
import type { ClientOptions } from "../../../src/client/options.ts";
import { Callers } from "./callers.ts";
import { History } from "./history.ts";
import type { FailedCall, Granted, RecordedCall } from "./history.ts";
import { Ordinals } from "./ordinals.ts";
import { PinnedCaller } from "./pinned_caller.ts";

const KEYS = ["orders", "users", "größe"] as const;
const BLOCK = 3;
const TIMESTAMP_CALLERS = 3;
const BATCHES = [1, 100, 50_000] as const;
/** Of the callers that give up early; a change of leader takes longer. */
const IMPATIENT_MS = 250;
const SILENCE_MS = 1_000;
const SILENCE_LIMIT_MS = 60_000;

/** Options of {@linkcode ClusterLoad}. */
export interface LoadOptions {
  /** How our clients retry; the defaults of the client if absent. */
  readonly retry?: ClientOptions["retry"];
}

/**
 * What a cluster is asked while something is done to it: two clients of ours with several callers each, for timestamps,
 * batches and ordinals, some with a deadline too short for a change of leader; and for each node a caller that asks
 * only that node. All of it is recorded.
 */
export class ClusterLoad implements AsyncDisposable {
  /** Timestamps of all callers. */
  readonly history = new History();
  /** Ordinals. */
  readonly ordinals = new Ordinals(BLOCK);
  /** The callers that ask one node each. */
  readonly pinned: readonly PinnedCaller[];
  readonly #callers = new Callers();
  readonly #clients: readonly BaseTsoClient[];

  private constructor(clients: readonly BaseTsoClient[], endpoints: readonly string[]) {
    this.#clients = clients;
    this.pinned = endpoints.map((address, node) => new PinnedCaller(this.history, node, address));
    for (const [index, client] of clients.entries()) this.#startCallersOf(client, index);
    for (const caller of this.pinned) this.#callers.start(() => caller.ask());
  }

  /** Starts to ask the nodes at these addresses. */
  static async start(
    endpoints: readonly string[],
    { retry }: LoadOptions = {},
  ): Promise<ClusterLoad> {
    // Reads the environment when it is imported.
    const { TsoClient } = await import("../../../src/client/mod.ts");
    const options = { endpoints, ...retry === undefined ? {} : { retry } };
    return new ClusterLoad([new TsoClient(options), new TsoClient(options)], endpoints);
  }

  /** The failures of callers of our client with the client's own deadline. */
  get clientFailures(): readonly FailedCall[] {
    const ofTimestamps = this.history.failures.filter(({ name }) => name.startsWith("client"));
    return [...ofTimestamps, ...this.ordinals.failures];
  }

  /** Waits until each of our clients has made so many further calls. */
  async more(count: number): Promise<void> {
    const { history } = this;
    for (let left = count; left > 0; left--) {
      await history.next("a call of client 0", ({ name }) => name === "client 0");
      await history.next("a call of client 1", ({ name }) => name === "client 1");
    }
  }

  /** The next answer to a client of ours that comes from a later term than any answer before. */
  async nextTerm(): Promise<RecordedCall> {
    const { highestEpoch } = this.history;
    const isLater = ({ name, epoch }: RecordedCall) => isOurs(name) && epoch > highestEpoch;
    return await this.history.next(`a term after ${highestEpoch}`, isLater);
  }

  /**
   * Waits until nobody was granted anything for a second.
   *
   * @throws {Error} if somebody is for a minute
   */
  async silence(): Promise<void> {
    const { history } = this;
    const giveUpMs = history.now() + SILENCE_LIMIT_MS;
    while (history.now() - (history.calls.at(-1)?.endMs ?? 0) < SILENCE_MS) {
      if (history.now() > giveUpMs) {
        throw new Error(`there were grants all the time: ${Deno.inspect(history.calls.at(-1))}`);
      }
      await delay(SILENCE_MS / 10);
    }
  }

  /** Asks where the sequences stand, and fails if anything that was seen breaks a promise. */
  async check(): Promise<void> {
    const [client] = this.#clients;
    if (client === undefined) throw new TypeError("there is no client");
    this.history.check();
    await this.ordinals.check(client);
  }

  /** Lets every caller end after its call. */
  async stop(): Promise<void> {
    // What waits in the socket of a paused node ends with its connection.
    for (const caller of this.pinned) await caller[Symbol.asyncDispose]();
    await this.#callers[Symbol.asyncDispose]();
  }

  /** Ends the callers and closes the clients. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.stop();
  }

  #startCallersOf(client: BaseTsoClient, index: number): void {
    const { history } = this;
    const patient = { name: `client ${index}` };
    for (let caller = 0; caller < TIMESTAMP_CALLERS; caller++) {
      this.#callers.start(() => history.record(patient, () => takeOne(client)));
    }
    let turn = 0;
    this.#callers.start(() => {
      const count = BATCHES[turn++ % BATCHES.length]!;
      return history.record(patient, () => takeBatch(client, count));
    });
    const impatient = { name: `impatient ${index}` };
    const limits = { timeoutMs: IMPATIENT_MS };
    this.#callers.start(() => history.record(impatient, () => takeOne(client, limits)));
    for (const key of KEYS) this.#callers.start(() => this.ordinals.take(client, key));
    this.#callers.start(() => this.ordinals.takeAll(client, KEYS));
  }
}

function isOurs(name: string): boolean {
  return name.startsWith("client") || name.startsWith("impatient");
}

async function takeOne(client: BaseTsoClient, limits?: { timeoutMs: number }): Promise<Granted> {
  const timestamp = await client.getTs(limits);
  return { firstPacked: timestamp.toBigInt(), count: 1, epoch: timestamp.epoch ?? 0n };
}

async function takeBatch(client: BaseTsoClient, count: number): Promise<Granted> {
  const { first, length, epoch } = await client.getTsBatch(count);
  return { firstPacked: first.toBigInt(), count: length, epoch };
}
