// SPDX-License-Identifier: Apache-2.0

import { formatAddress } from "../../net/address.ts";
import { UsageError } from "../errors.ts";
import { readPem } from "../serve/tls_files.ts";
import type { ListenAddress } from "../values.ts";

/** How to reach a server, as the flags say it. */
export interface TargetSettings {
  readonly endpoint: ListenAddress;
  readonly tls: boolean;
  readonly tlsCa: string | undefined;
  readonly clientCert: string | undefined;
  readonly clientKey: string | undefined;
}

/** How to reach a server. */
export interface Target {
  /** `host:port`, for messages. */
  readonly name: string;
  /** The origin of its URLs. */
  readonly origin: string;
  /** Certificates; absent for plaintext. */
  readonly tls: TargetTls | undefined;
}

/** Certificates of a client. */
export interface TargetTls {
  /** Trusted authority, PEM; absent: those of the system. */
  readonly ca?: string;
  /** Own certificate, PEM. */
  readonly cert?: string;
  /** Own key, PEM. */
  readonly key?: string;
}

/**
 * Puts a target together and reads its files. Any certificate flag turns TLS on.
 *
 * @throws {UsageError} if the certificate or the key of the client is missing
 * @throws {CommandError} if a file cannot be read
 */
export async function readTarget(settings: TargetSettings): Promise<Target> {
  const { tlsCa, clientCert, clientKey } = settings;
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    throw new UsageError("Cannot show a certificate: give both --client-cert and --client-key");
  }
  const secure = settings.tls || tlsCa !== undefined || clientCert !== undefined;
  const name = formatAddress(settings.endpoint.hostname, settings.endpoint.port);
  if (!secure) return { name, origin: `http://${name}`, tls: undefined };
  const tls: TargetTls = {
    ...(tlsCa === undefined ? {} : { ca: await readPem("--tls-ca", tlsCa) }),
    ...(clientCert === undefined ? {} : { cert: await readPem("--client-cert", clientCert) }),
    ...(clientKey === undefined ? {} : { key: await readPem("--client-key", clientKey) }),
  };
  return { name, origin: `https://${name}`, tls };
}
