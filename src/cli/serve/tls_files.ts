// SPDX-License-Identifier: Apache-2.0

import { readFile } from "node:fs/promises";
import { CommandError, UsageError } from "../errors.ts";

/** The files that make a server speak TLS. */
export interface TlsFiles {
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly tlsClientCa: string | undefined;
}

/** The contents of those files. */
export interface TlsPems {
  readonly certPem: string;
  readonly keyPem: string;
  readonly clientCaPem?: string;
}

/**
 * Checks that the files make sense together: certificate and key, or neither.
 *
 * @throws {UsageError} naming what is missing
 */
export function checkTlsFiles(files: TlsFiles): void {
  const { tlsCert, tlsKey, tlsClientCa } = files;
  if (tlsCert !== undefined && tlsKey === undefined) {
    throw new UsageError("Cannot use --tls-cert alone: --tls-key is missing");
  }
  if (tlsKey !== undefined && tlsCert === undefined) {
    throw new UsageError("Cannot use --tls-key alone: --tls-cert is missing");
  }
  if (tlsClientCa !== undefined && tlsCert === undefined) {
    throw new UsageError("Cannot use --tls-client-ca: it needs --tls-cert and --tls-key");
  }
}

/**
 * Reads the files.
 *
 * @returns `undefined` if there is no certificate: the server then speaks plaintext
 * @throws {CommandError} naming the flag, the file and the reason
 */
export async function readTlsFiles(files: TlsFiles): Promise<TlsPems | undefined> {
  const { tlsCert, tlsKey, tlsClientCa } = files;
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const certPem = await readPem("--tls-cert", tlsCert);
  const keyPem = await readPem("--tls-key", tlsKey);
  if (tlsClientCa === undefined) return { certPem, keyPem };
  return { certPem, keyPem, clientCaPem: await readPem("--tls-client-ca", tlsClientCa) };
}

/**
 * Reads a PEM file.
 *
 * @param flag the flag that named the file, for the message
 * @throws {CommandError} if it cannot be read, or is no PEM
 */
export async function readPem(flag: string, path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(`Cannot read the file of ${flag}: ${why}`, { cause });
  });
  if (text.includes("-----BEGIN ")) return text;
  throw new CommandError(
    `Cannot use '${path}' for ${flag}: it has no '-----BEGIN' line, so it is no PEM file`,
  );
}
