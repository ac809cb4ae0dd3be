// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import type { Certificates } from "../certs.ts";
import { lastingPort } from "../lasting_port.ts";
import { canRun } from "../levels.ts";
import { EtcdMember } from "./etcd_member.ts";
import type { EtcdPorts } from "./etcd_member.ts";

const START_LIMIT_MS = 60_000;
const LEADER_LIMIT_MS = 60_000;
const POLL_MS = 50;

/** What to do if etcd is not on this machine; for `ioTestNeeding`. */
export const ETCD_MISSING: string | undefined = await canRun("etcd")
  ? undefined
  : "needs `apt-get install etcd-server`";

/** What to do if etcd or its command line is not on this machine; for `ioTestNeeding`. */
export const ETCDCTL_MISSING: string | undefined =
  ETCD_MISSING === undefined && await canRun("etcdctl")
    ? undefined
    : "needs `apt-get install etcd-server etcd-client`";

/** Options of {@linkcode EtcdCluster.start}. */
export interface EtcdClusterOptions {
  /**
   * How many members.
   *
   * @default {1}
   */
  readonly members?: number;
  /**
   * How often the leader of etcd says that it lives, in milliseconds.
   *
   * @default {100, as in etcd}
   */
  readonly heartbeatMs?: number;
  /**
   * After which silence a member stands for election, in milliseconds; at least five times the heartbeat.
   *
   * @default {1000, as in etcd}
   */
  readonly electionMs?: number;
  /** Serves clients with TLS, and demands their certificate. */
  readonly tls?: Certificates;
  /** A file made by {@linkcode EtcdCluster.saveSnapshot}, with which the members begin. */
  readonly snapshot?: string;
  /** More flags of etcd. */
  readonly flags?: readonly string[];
}

/** An etcd of our own on loopback. Leaving its scope kills it and removes its data. */
export class EtcdCluster implements AsyncDisposable {
  /** The members, running or not. */
  readonly members: readonly EtcdMember[];
  readonly #directory: string;
  readonly #clientFlags: readonly string[];

  private constructor(members: readonly EtcdMember[], directory: string, files: TlsFiles) {
    this.members = members;
    this.#directory = directory;
    this.#clientFlags = files.clientFlags;
  }

  /**
   * Starts members on free ports and waits until each serves.
   *
   * @throws {Error} with their output, if they do not
   */
  static async start(options: EtcdClusterOptions = {}): Promise<EtcdCluster> {
    const cluster = await EtcdCluster.#make(options);
    try {
      cluster.members.forEach((member) => member.start());
      await cluster.healthy();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The URLs for clients, one per member. */
  get endpoints(): readonly string[] {
    return this.members.map(({ endpoint }) => endpoint);
  }

  /** The n-th member, from 0. */
  member(index: number): EtcdMember {
    const member = this.members[index];
    if (member === undefined) throw new RangeError(`there is no member ${index}`);
    return member;
  }

  /** Waits until every member that is awake serves. */
  async healthy(): Promise<void> {
    await this.#until("every member serves", START_LIMIT_MS, async () => {
      const failed = this.members.find(({ hasFailed }) => hasFailed);
      if (failed !== undefined) throw new Error(`${failed.name} ended: ${failed.output}`);
      const awake = this.members.filter(({ isAwake }) => isAwake);
      const healthy = await Promise.all(awake.map((member) => member.isHealthy()));
      return healthy.every(Boolean) ? true : undefined;
    });
  }

  /** The member that leads, among those that are awake; waits until there is one. */
  leader(): Promise<EtcdMember> {
    return this.#until("a member leads", LEADER_LIMIT_MS, async () => {
      const awake = this.members.filter(({ isAwake }) => isAwake);
      const leads = await Promise.all(awake.map((member) => member.isLeader()));
      return awake[leads.indexOf(true)];
    });
  }

  /** A member that is awake and does not lead. */
  async follower(): Promise<EtcdMember> {
    const leader = await this.leader();
    const found = this.members.find((member) => member !== leader && member.isAwake);
    if (found === undefined) throw new Error("no member follows");
    return found;
  }

  /** Runs `etcdctl` against the members that are awake, and returns what it printed. */
  etcdctl(...args: readonly string[]): Promise<string> {
    const awake = this.members.filter(({ isAwake }) => isAwake).map(({ endpoint }) => endpoint);
    return etcdctl(`--endpoints=${awake.join(",")}`, ...this.#clientFlags, ...args);
  }

  /** Forgets every revision but the latest, as operators do now and then. */
  async compact(): Promise<void> {
    const status = JSON.parse(
      await etcdctl(
        `--endpoints=${(await this.leader()).endpoint}`,
        ...this.#clientFlags,
        "endpoint",
        "status",
        "-wjson",
      ),
    ) as readonly { readonly Status: { readonly header: { readonly revision: number } } }[];
    const revision = status[0]?.Status.header.revision ?? 0;
    await this.etcdctl("compaction", "--physical", String(revision));
  }

  /** Saves what etcd holds, and returns the file. It is gone when the cluster is. */
  async saveSnapshot(): Promise<string> {
    const path = join(this.#directory, `snapshot-${crypto.randomUUID()}.db`);
    const endpoints = `--endpoints=${(await this.leader()).endpoint}`;
    await etcdctl(endpoints, ...this.#clientFlags, "snapshot", "save", path);
    return path;
  }

  /** Kills all members and removes their data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
    await Deno.remove(this.#directory, { recursive: true });
  }

  static async #make(options: EtcdClusterOptions): Promise<EtcdCluster> {
    const directory = await Deno.makeTempDir({ prefix: "tsoracle-etcd-" });
    const ports = portsOf(options.members ?? 1);
    const plan: Plan = {
      directory,
      ports,
      initial: ports.map(({ peer }, index) => `m${index}=http://127.0.0.1:${peer}`).join(","),
      options,
    };
    const files = await writeCertificates(directory, options.tls);
    const scheme = options.tls === undefined ? "http" : "https";
    const members = await Promise.all(ports.map(async (own, index) => {
      const name = `m${index}`;
      await restoreSnapshot(plan, index);
      const flags = [...flagsOf(plan, index), ...files.serverFlags, ...options.flags ?? []];
      return new EtcdMember({ name, scheme, ports: own, flags });
    }));
    return new EtcdCluster(members, directory, files);
  }

  async #until<T>(
    what: string,
    limitMs: number,
    ask: () => Promise<T | undefined>,
  ): Promise<T> {
    const end = performance.now() + limitMs;
    for (;;) {
      const found = await ask();
      if (found !== undefined) return found;
      if (performance.now() > end) {
        const outputs = this.members.map(({ name, output }) => `${name}: ${output}`).join("\n");
        throw new Error(`not within ${limitMs} ms: ${what}\n${outputs}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

interface Plan {
  readonly directory: string;
  readonly ports: readonly EtcdPorts[];
  readonly initial: string;
  readonly options: EtcdClusterOptions;
}

function dataDirectory(plan: Plan, index: number): string {
  return join(plan.directory, `m${index}`);
}

function flagsOf(plan: Plan, index: number): readonly string[] {
  const { client, peer, metrics } = plan.ports[index] as EtcdPorts;
  const { heartbeatMs = 100, electionMs = 1_000, tls } = plan.options;
  const clientUrl = `${tls === undefined ? "http" : "https"}://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  return [
    `--name=m${index}`,
    `--data-dir=${dataDirectory(plan, index)}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--listen-metrics-urls=http://127.0.0.1:${metrics}`,
    `--initial-cluster=${plan.initial}`,
    `--initial-cluster-token=${plan.directory}`,
    `--heartbeat-interval=${heartbeatMs}`,
    `--election-timeout=${electionMs}`,
  ];
}

/** The flags that name certificates. */
interface TlsFiles {
  readonly serverFlags: readonly string[];
  /** For `etcdctl`. */
  readonly clientFlags: readonly string[];
}

async function writeCertificates(
  directory: string,
  tls: Certificates | undefined,
): Promise<TlsFiles> {
  if (tls === undefined) return { serverFlags: [], clientFlags: [] };
  const file = async (name: string, text: string) => {
    await Deno.writeTextFile(join(directory, name), text);
    return join(directory, name);
  };
  // etcd presents its own certificate to itself, from its gateway.
  const authorities = await file("clients-ca.pem", `${tls.clientCaPem}\n${tls.caPem}`);
  return {
    serverFlags: [
      `--cert-file=${await file("server.pem", tls.server.certPem)}`,
      `--key-file=${await file("server.key", tls.server.keyPem)}`,
      `--trusted-ca-file=${authorities}`,
      "--client-cert-auth",
    ],
    clientFlags: [
      `--cacert=${await file("server-ca.pem", tls.caPem)}`,
      `--cert=${await file("client.pem", tls.client.certPem)}`,
      `--key=${await file("client.key", tls.client.keyPem)}`,
    ],
  };
}

async function restoreSnapshot(plan: Plan, index: number): Promise<void> {
  const { snapshot } = plan.options;
  if (snapshot === undefined) return;
  const restore = await canRun("etcdutl") ? etcdutl : etcdctl;
  await restore(
    "snapshot",
    "restore",
    snapshot,
    `--name=m${index}`,
    `--data-dir=${dataDirectory(plan, index)}`,
    `--initial-cluster=${plan.initial}`,
    `--initial-cluster-token=${plan.directory}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${plan.ports[index]?.peer}`,
  );
}

function portsOf(members: number): readonly EtcdPorts[] {
  return Array.from({ length: members }, () => {
    return { client: lastingPort(), peer: lastingPort(), metrics: lastingPort() };
  });
}

function etcdctl(...args: readonly string[]): Promise<string> {
  return run("etcdctl", args);
}

/** Has the restore of snapshots since etcd 3.6. */
function etcdutl(...args: readonly string[]): Promise<string> {
  return run("etcdutl", args);
}

async function run(tool: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(tool, {
    args: [...args],
    env: { ETCDCTL_API: "3" },
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${tool} ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
