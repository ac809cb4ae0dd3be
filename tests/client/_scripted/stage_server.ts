// SPDX-License-Identifier: Apache-2.0

import { makeCertificates } from "../../_support/certs.ts";
import { Cluster } from "./cluster.ts";
import type { ScriptedServer } from "./cluster.ts";
import type { ClientCertificates, Command, OpenedCluster, ServerRef } from "./script.ts";

/** Pages of any origin may call; `text/plain` needs no preflight. */
const HEADERS = { "access-control-allow-origin": "*", "content-type": "application/json" } as const;

/** Serves clusters to scenarios, which may run in another process or in a page. */
export class StageServer implements AsyncDisposable {
  readonly #clusters: Cluster[] = [];
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => this.#answer(request),
  );

  /** Where the commands go. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/control`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    for (const cluster of this.#clusters) await cluster[Symbol.asyncDispose]();
  }

  async #answer(request: Request): Promise<Response> {
    try {
      const value = await this.#obey(JSON.parse(await request.text()));
      return new Response(JSON.stringify({ value: value ?? null }), { headers: HEADERS });
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      return new Response(JSON.stringify({ error: text }), { headers: HEADERS, status: 500 });
    }
  }

  async #obey(command: Command): Promise<unknown> {
    switch (command.op) {
      case "open":
        return await this.#open(command);
      case "close":
        return await this.#cluster(command.cluster)[Symbol.asyncDispose]();
      case "elect":
        return await this.#cluster(command.cluster).elect(command.leader);
      case "log":
        return this.#cluster(command.cluster).log.arrivals;
      case "arrived":
        return await this.#cluster(command.cluster).log.arrived(command.count, command);
      case "supersede":
        return await this.#cluster(command.cluster).supersede(command.holder);
      case "certificates":
        return await clientCertificates();
      default:
        return await this.#operate(command.op, this.#serverOf(command));
    }
  }

  async #open(command: Command & { readonly op: "open" }): Promise<OpenedCluster> {
    const cluster = await Cluster.open(command.servers);
    return { cluster: this.#clusters.push(cluster) - 1, addresses: cluster.addresses };
  }

  async #operate(op: ServerOp, { oracle, valve }: ScriptedServer): Promise<unknown> {
    switch (op) {
      case "release":
        return oracle.release();
      case "down":
        return await valve.down();
      case "up":
        return await valve.up();
      case "reset":
        return valve.reset();
      case "freeze":
        return valve.freeze();
      case "thaw":
        return valve.thaw();
      case "idle":
        return await valve.idle();
      case "heads":
        return valve.heads;
    }
  }

  #cluster(index: number): Cluster {
    const cluster = this.#clusters[index];
    if (cluster === undefined) throw new RangeError(`there is no cluster ${index}`);
    return cluster;
  }

  #serverOf({ cluster, server }: ServerRef): ScriptedServer {
    return this.#cluster(cluster).server(server);
  }
}

type ServerOp = Extract<Command, ServerRef>["op"];

async function clientCertificates(): Promise<ClientCertificates> {
  const { caPem, clientCaPem, client, stranger } = await makeCertificates();
  return {
    ca: caPem,
    wrongCa: clientCaPem,
    cert: client.certPem,
    key: client.keyPem,
    strangerCert: stranger.certPem,
    strangerKey: stranger.keyPem,
  };
}
