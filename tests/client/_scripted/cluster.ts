// SPDX-License-Identifier: Apache-2.0

import { MemoryDriver } from "../../../src/drivers/memory/mod.ts";
import type { ServeOptions } from "../../../src/net/mod.ts";
import { serve } from "../../../src/net/mod.ts";
import type { OracleServer } from "../../../src/net/mod.ts";
import { Oracle } from "../../../src/server/mod.ts";
import { makeCertificates } from "../../_support/certs.ts";
import { EDGE } from "../../_support/edge.ts";
import { soon } from "../../net/_support/until.ts";
import { CallLog } from "./call_log.ts";
import type { Hint, ServerPlan } from "./script.ts";
import { ScriptedOracle } from "./scripted_oracle.ts";
import type { ClusterView } from "./scripted_oracle.ts";
import { Valve } from "./valve.ts";

/** A server of a cluster: its oracle, and the port through which clients reach it. */
export interface ScriptedServer {
  readonly oracle: ScriptedOracle;
  readonly valve: Valve;
  readonly server: OracleServer;
}

/**
 * Servers that act as the nodes of one cluster, each by its script. Behind all of them is one honest oracle,
 * so that whatever they grant by their role is in order over all of them.
 */
export class Cluster implements AsyncDisposable {
  /** What came to the servers. */
  readonly log = new CallLog();
  readonly #driver = new MemoryDriver();
  readonly #oracle = new Oracle({
    driver: this.#driver,
    minLeaseTtlMs: 1,
    heartbeatIntervalMs: 0,
  });
  readonly #servers: ScriptedServer[] = [];
  #epoch = 1n;
  #leader: number | undefined = 0;

  /** Starts servers. The first one leads. */
  static async open(plans: readonly ServerPlan[]): Promise<Cluster> {
    const cluster = new Cluster();
    await cluster.#oracle.untilServing();
    for (const [index, plan] of plans.entries()) await cluster.#add(index, plan);
    return cluster;
  }

  /** The servers' addresses. */
  get addresses(): readonly string[] {
    return this.#servers.map(({ valve }) => valve.address);
  }

  /** A server by its number. */
  server(index: number): ScriptedServer {
    const server = this.#servers[index];
    if (server === undefined) throw new RangeError(`the cluster has no server ${index}`);
    return server;
  }

  /** Makes a server the leader of the next epoch, and waits until it serves; or begins an election. */
  async elect(leader: number | undefined): Promise<void> {
    this.#leader = leader;
    if (leader === undefined) return this.#driver.announce({ kind: "unknown" });
    const epoch = ++this.#epoch;
    this.#driver.announce({ kind: "leader", epoch });
    await soon("a new leader", this.#untilLed(epoch));
  }

  /** Gives the lease of a holder to the next generation of that holder. */
  async supersede(holder: string): Promise<void> {
    const request = { holder: new TextEncoder().encode(holder), holderEpoch: 1n << 62n };
    await this.#oracle.leases.acquire({ ...request, ttlMs: 60_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { valve, server } of this.#servers) {
      await valve.down();
      await server.close({ graceMs: 0 });
    }
    await this.#oracle.close();
  }

  async #add(index: number, plan: ServerPlan): Promise<void> {
    const oracle = new ScriptedOracle(this.#viewOf(index), plan);
    const server = await serve(oracle, {
      port: 0,
      edge: EDGE,
      corsOrigins: ["*"],
      ...await tlsOf(plan),
    });
    this.#servers.push({ oracle, server, valve: await Valve.open(server.port) });
  }

  #viewOf(index: number): ClusterView {
    return {
      oracle: this.#oracle,
      leaderHint: () => this.#leader === index ? undefined : this.#hint(),
      addressOf: (other) => this.server(other).valve.address,
      arrive: (method, count) => this.log.arrive({ server: index, method, count }),
      sever: (afterBytes) => {
        const { valve } = this.server(index);
        if (afterBytes === 0) valve.sever();
        else valve.severAfter(afterBytes);
      },
    };
  }

  #hint(): Hint {
    if (this.#leader === undefined) return { kind: "empty" };
    return { kind: "server", server: this.#leader, epoch: String(this.#epoch) };
  }

  async #untilLed(epoch: bigint): Promise<void> {
    const stop = new AbortController();
    for await (const state of this.#oracle.watchState({ signal: stop.signal })) {
      if (state.kind === "serving" && state.epoch === epoch) return;
    }
  }
}

async function tlsOf({ tls }: ServerPlan): Promise<Pick<ServeOptions, "tls">> {
  if (tls === undefined) return {};
  const { server, clientCaPem } = await makeCertificates();
  return { tls: { ...server, clientCaPem: tls === "mutual" ? clientCaPem : undefined } };
}
