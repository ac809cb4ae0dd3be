// SPDX-License-Identifier: Apache-2.0

import type { ClientOptions } from "../../../../src/client/options.ts";
import type { BaseTsoClient } from "../../../../src/client/tso_client.ts";
import type { ClientCertificates, ServerPlan } from "../../_scripted/script.ts";
import { Load } from "./load.ts";
import type { Cluster } from "./stage.ts";
import { Stage } from "./stage.ts";

/** What a scene is set with. */
export interface SceneOptions {
  /** The client's class. */
  readonly TsoClient: new (options: ClientOptions) => BaseTsoClient;
  /** Where the stage takes commands. */
  readonly stageUrl: string;
}

/** Options of {@linkcode Scene.connect}; the endpoints are those of the cluster unless given. */
export interface ConnectOptions extends Partial<ClientOptions> {
  /** The servers. */
  readonly cluster: Cluster;
}

/** The servers, clients and callers of one scenario. It ends them; Node 20 cannot read `await using`. */
export class Scene {
  readonly #options: SceneOptions;
  readonly #stage: Stage;
  readonly #open: AsyncDisposable[] = [];
  readonly #loads: Load[] = [];

  /** Sets an empty scene. */
  constructor(options: SceneOptions) {
    this.#options = options;
    this.#stage = new Stage(options.stageUrl);
  }

  /** Starts servers that act as one cluster. The first one leads. */
  async open(...servers: readonly ServerPlan[]): Promise<Cluster> {
    const cluster = await this.#stage.open(...servers);
    this.#open.push(cluster);
    return cluster;
  }

  /**
   * Makes a client. It begins with the first endpoint, waits little between attempts, and does not give up
   * an attempt or a call before a failing test would.
   */
  connect(options: ConnectOptions): BaseTsoClient {
    const { cluster, retry, ...rest } = options;
    const client = new this.#options.TsoClient({
      endpoints: cluster.addresses,
      random: () => 0.1,
      ...rest,
      retry: { maxAttempts: 1_000, attemptTimeoutMs: 20_000, timeoutMs: 20_000, ...retry },
    });
    this.#open.push(client);
    return client;
  }

  /** Starts callers that ask, one call after the other. */
  load(callers: number, ask: () => Promise<unknown>): Load {
    const load = new Load(callers, ask);
    this.#loads.push(load);
    return load;
  }

  /** Certificates for clients. */
  async certificates(): Promise<ClientCertificates> {
    return await this.#stage.certificates();
  }

  /** An address where nothing listens. */
  deadAddress(index = 0): string {
    return this.#stage.deadAddress(index);
  }

  /** Ends everything, the latest first. Callers end with their client, also those that would wait for ever. */
  async end(): Promise<void> {
    for (const load of this.#loads) load.stop();
    for (const part of this.#open.reverse()) await part[Symbol.asyncDispose]();
  }
}
