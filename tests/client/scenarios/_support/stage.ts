// SPDX-License-Identifier: Apache-2.0

import type {
  Arrival,
  ClientCertificates,
  Command,
  GrantedBlock,
  OpenedCluster,
  ServerPlan,
  ServerRef,
} from "../../_scripted/script.ts";

/** A host on which nothing listens: tests listen on 127.0.0.1. */
const DEAD_HOST = "127.9.9.9";

type ServerOp = Extract<Command, ServerRef>["op"];

/** Where a scenario gets its servers from: the stage of the test, which is told over HTTP. */
export class Stage {
  readonly #url: string;

  /** Uses the stage at an address. */
  constructor(url: string) {
    this.#url = url;
  }

  /** Starts servers that act as one cluster. The first one leads. */
  async open(...servers: readonly ServerPlan[]): Promise<Cluster> {
    const opened = await this.tell({ op: "open", servers }) as OpenedCluster;
    return new Cluster(this, opened);
  }

  /** Certificates for clients. */
  async certificates(): Promise<ClientCertificates> {
    return await this.tell({ op: "certificates" }) as ClientCertificates;
  }

  /** An address where nothing listens. */
  deadAddress(index = 0): string {
    return `${DEAD_HOST}:${50_551 + index}`;
  }

  /** Sends a command. */
  async tell(command: Command): Promise<unknown> {
    const answer = await fetch(this.#url, { method: "POST", body: JSON.stringify(command) });
    const { value, error } = await answer.json();
    if (error !== undefined) throw new Error(`the stage refused ${command.op}: ${error}`);
    return value;
  }
}

/** Servers that act as one cluster. */
export class Cluster implements AsyncDisposable {
  /** Their addresses. */
  readonly addresses: readonly string[];
  readonly #stage: Stage;
  readonly #cluster: number;

  /** Made by the stage. */
  constructor(stage: Stage, { cluster, addresses }: OpenedCluster) {
    this.#stage = stage;
    this.#cluster = cluster;
    this.addresses = addresses;
  }

  /** The address of one server. */
  address(server: number): string {
    const address = this.addresses[server];
    if (address === undefined) throw new RangeError(`there is no server ${server}`);
    return address;
  }

  /** Makes a server the leader of the next epoch; without one an election goes on. */
  async elect(leader?: number): Promise<void> {
    const command = { op: "elect", cluster: this.#cluster } as const;
    await this.#stage.tell(leader === undefined ? command : { ...command, leader });
  }

  /** Everything that came, so far. */
  async log(): Promise<readonly Arrival[]> {
    return await this.#stage.tell({ op: "log", cluster: this.#cluster }) as Arrival[];
  }

  /** How many calls came to a server. */
  async calls(server: number): Promise<number> {
    return (await this.log()).filter((arrival) => arrival.server === server).length;
  }

  /** The blocks of timestamps that were granted so far. */
  async granted(): Promise<readonly GrantedBlock[]> {
    return (await this.log()).flatMap(({ granted }) => granted === undefined ? [] : [granted]);
  }

  /** Waits until so many calls have come to a server. */
  async arrived(server: number, count: number): Promise<void> {
    await this.#stage.tell({ op: "arrived", cluster: this.#cluster, server, count });
  }

  /** Waits until so many renewals of leases have come to any server. */
  async renewed(count: number): Promise<void> {
    const method = "renewLease";
    await this.#stage.tell({ op: "arrived", cluster: this.#cluster, method, count });
  }

  /** Gives the leases of a holder to the next generation of that holder. */
  async supersede(holder: string): Promise<void> {
    await this.#stage.tell({ op: "supersede", cluster: this.#cluster, holder });
  }

  /** Does something to a server, or to the network in front of it. */
  async do(op: ServerOp, server: number): Promise<unknown> {
    return await this.#stage.tell({ op, cluster: this.#cluster, server });
  }

  /** The first bytes that came on each connection to a server, in hexadecimal. */
  async heads(server: number): Promise<readonly string[]> {
    return await this.do("heads", server) as string[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stage.tell({ op: "close", cluster: this.#cluster });
  }
}
