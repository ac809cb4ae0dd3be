// SPDX-License-Identifier: Apache-2.0

import { TsoClient } from "../../client/mod.ts";
import type { ClientOptions, ClientTlsOptions } from "../../client/mod.ts";
import { formatAddress } from "../../net/address.ts";
import { UsageError } from "../errors.ts";
import { readPem } from "../serve/tls_files.ts";
import type { ClientSettings } from "./client_flags.ts";

/**
 * Makes a client as the flags say and reads its files. Any certificate flag turns TLS on. Nothing is
 * dialled before the first call.
 *
 * @param tuning what the command sets besides
 * @throws {UsageError} if the certificate or the key of the client is missing
 * @throws {CommandError} if a file cannot be read
 */
export async function openClient(
  settings: ClientSettings,
  tuning: Partial<ClientOptions> = {},
): Promise<TsoClient> {
  const { timeoutMs } = settings;
  return new TsoClient({
    endpoints: endpointNames(settings),
    tls: await readTls(settings),
    retry: { timeoutMs, attemptTimeoutMs: Math.min(timeoutMs, 2_000) },
    ...tuning,
  });
}

/** The endpoints as `host:port`. */
export function endpointNames(settings: ClientSettings): readonly string[] {
  return settings.endpoints.map(({ hostname, port }) => formatAddress(hostname, port));
}

async function readTls(settings: ClientSettings): Promise<boolean | ClientTlsOptions> {
  const { tlsCa, clientCert, clientKey } = settings;
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    throw new UsageError("Cannot show a certificate: give both --client-cert and --client-key");
  }
  if (tlsCa === undefined && clientCert === undefined) return settings.tls;
  return {
    ...(tlsCa === undefined ? {} : { ca: await readPem("--tls-ca", tlsCa) }),
    ...(clientCert === undefined ? {} : { cert: await readPem("--client-cert", clientCert) }),
    ...(clientKey === undefined ? {} : { key: await readPem("--client-key", clientKey) }),
  };
}
