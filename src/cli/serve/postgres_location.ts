// SPDX-License-Identifier: Apache-2.0

import type { PostgresLocation } from "../../drivers/postgres/mod.ts";
import { UsageError } from "../errors.ts";
import type { Settings } from "../flag.ts";
import type { POSTGRES_FLAGS, PREFIX_FLAGS } from "./driver_flags.ts";
import { readPem } from "./tls_files.ts";

/** The settings that say where the state is in PostgreSQL. */
export type PostgresSettings = Settings<typeof POSTGRES_FLAGS & typeof PREFIX_FLAGS>;

/**
 * Checks that the settings make sense together.
 *
 * @throws {UsageError} naming what is missing
 */
export function checkPostgres({ urls, postgresCert, postgresKey }: PostgresSettings): void {
  if (urls.length === 0) {
    throw new UsageError(
      "Cannot use postgres: --url is missing; write --url postgres://USER@HOST/DATABASE, and keep a password in TSORACLE_URL",
    );
  }
  if (postgresCert !== undefined && postgresKey === undefined) {
    throw new UsageError("Cannot use --postgres-cert alone: --postgres-key is missing");
  }
  if (postgresKey !== undefined && postgresCert === undefined) {
    throw new UsageError("Cannot use --postgres-key alone: --postgres-cert is missing");
  }
}

/**
 * Reads the certificates.
 *
 * @throws {CommandError} naming the flag, the file and the reason
 */
export async function postgresLocation(settings: PostgresSettings): Promise<PostgresLocation> {
  const { urls, prefix, acceptAsynchronousReplication } = settings;
  const { postgresTls, postgresCa, postgresCert, postgresKey } = settings;
  const location = { urls, prefix, acceptAsynchronousReplication };
  if (postgresCa === undefined && postgresCert === undefined) {
    return { ...location, tls: postgresTls };
  }
  const read = (flag: string, path: string | undefined) =>
    path === undefined ? undefined : readPem(flag, path);
  const caPem = await read("--postgres-ca", postgresCa);
  const certPem = await read("--postgres-cert", postgresCert);
  const keyPem = await read("--postgres-key", postgresKey);
  return { ...location, tls: { caPem, certPem, keyPem } };
}
