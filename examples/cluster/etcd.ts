// SPDX-License-Identifier: Apache-2.0

import { Child } from "./child.ts";
import { freePorts } from "./free_ports.ts";

/** An etcd of three members. */
export interface RunningEtcd {
  /** The members. */
  readonly members: readonly Child[];
  /** Where each is reached, as `host:port`. */
  readonly endpoints: readonly string[];
}

/** Starts three members on free ports of the loopback, with their data below the directory. */
export function startEtcd(directory: string): RunningEtcd {
  const ports = freePorts(6);
  const urlOf = (index: number) => `http://127.0.0.1:${ports[index]}`;
  const names = ["etcd-a", "etcd-b", "etcd-c"];
  const cluster = names.map((name, index) => `${name}=${urlOf(index + 3)}`).join(",");
  const members = names.map((name, index) =>
    Child.start(name, [
      "etcd",
      `--name=${name}`,
      `--data-dir=${directory}/${name}`,
      `--listen-client-urls=${urlOf(index)}`,
      `--advertise-client-urls=${urlOf(index)}`,
      `--listen-peer-urls=${urlOf(index + 3)}`,
      `--initial-advertise-peer-urls=${urlOf(index + 3)}`,
      `--initial-cluster=${cluster}`,
      `--initial-cluster-token=${directory}`,
      "--auto-compaction-mode=periodic",
      "--auto-compaction-retention=10m",
    ], `${directory}/${name}.log`)
  );
  return { members, endpoints: names.map((_, index) => `127.0.0.1:${ports[index]}`) };
}

/** Whether etcd can be run here. */
export async function hasEtcd(): Promise<boolean> {
  try {
    return (await new Deno.Command("etcd", { args: ["--version"] }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
