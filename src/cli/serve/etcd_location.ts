// SPDX-License-Identifier: Apache-2.0

import type { EtcdLocation } from "../../drivers/etcd/mod.ts";
import { UsageError } from "../errors.ts";
import type { Settings } from "../flag.ts";
import type { ETCD_FLAGS, PREFIX_FLAGS } from "./driver_flags.ts";
import { readPem } from "./tls_files.ts";

/** The settings that say where the state is in etcd. */
export type EtcdSettings = Settings<typeof ETCD_FLAGS & typeof PREFIX_FLAGS>;

/**
 * Checks that the settings make sense together.
 *
 * @throws {UsageError} naming what is missing
 */
export function checkEtcd({ etcd, etcdCert, etcdKey }: EtcdSettings): void {
  if (etcd.length === 0) {
    throw new UsageError(
      "Cannot use etcd: --etcd is missing; name its members, as in --etcd etcd-a:2379,etcd-b:2379,etcd-c:2379",
    );
  }
  if (etcdCert !== undefined && etcdKey === undefined) {
    throw new UsageError("Cannot use --etcd-cert alone: --etcd-key is missing");
  }
  if (etcdKey !== undefined && etcdCert === undefined) {
    throw new UsageError("Cannot use --etcd-key alone: --etcd-cert is missing");
  }
}

/**
 * Reads the certificates.
 *
 * @throws {CommandError} naming the flag, the file and the reason
 */
export async function etcdLocation(settings: EtcdSettings): Promise<EtcdLocation> {
  const { etcd, etcdTls, etcdCa, etcdCert, etcdKey, prefix } = settings;
  const endpoints = etcd.flat();
  if (etcdCa === undefined && etcdCert === undefined) return { endpoints, prefix, tls: etcdTls };
  const read = (flag: string, path: string | undefined) =>
    path === undefined ? undefined : readPem(flag, path);
  const caPem = await read("--etcd-ca", etcdCa);
  const certPem = await read("--etcd-cert", etcdCert);
  const keyPem = await read("--etcd-key", etcdKey);
  return { endpoints, prefix, tls: { caPem, certPem, keyPem } };
}
