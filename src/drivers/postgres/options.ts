// SPDX-License-Identifier: Apache-2.0

import type { TlsCertificates } from "../../grpc/tls_certificates.ts";
import { certificatesOf, checkPrefix, DEFAULT_PREFIX } from "../cluster/location.ts";
import type { EngineTlsOptions } from "../cluster/location.ts";
import type { ClusterNodeOptions } from "../cluster/options.ts";
import type { ClusterRestoreOptions } from "../cluster/restore.ts";
import { parseTargets } from "./target.ts";
import type { Target } from "./target.ts";

/** Certificates for PostgreSQL, as PEM text. */
export interface PostgresTlsOptions extends EngineTlsOptions {}

/** Where the state of an oracle is kept. */
export interface PostgresLocation {
  /**
   * The servers of one database, at least one: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, each with one host or several
   * with commas between them. The first that is not in recovery is used. `?sslmode=` may be `verify-full` (as may
   * be written `require` or `verify-ca`), `no-verify` or `disable`; other parameters are refused.
   */
  readonly urls: readonly string[];
  /**
   * Speaks TLS with the servers whose URL has no `sslmode`, and proves who they are. `true` trusts the authorities of the
   * system. Certificates are used for all servers with TLS.
   *
   * @default {false}
   */
  readonly tls?: boolean | PostgresTlsOptions | undefined;
  /**
   * The name of the oracle: 1 to 128 letters, digits, and `-`, `_`, `.`, `/`. Oracles with different names in one database
   * share tables and know nothing of each other.
   *
   * @default {"tsoracle"}
   */
  readonly prefix?: string | undefined;
  /**
   * Uses a primary whose replicas confirm no commit. **After a failover to such a replica timestamps, ordinals and epochs
   * repeat**; the nodes that were running notice and stop.
   *
   * @default {false}
   */
  readonly acceptAsynchronousReplication?: boolean | undefined;
}

/** Options of a `PostgresDriver`. */
export interface PostgresDriverOptions extends ClusterNodeOptions, PostgresLocation {}

/** Options of `PostgresDriver.restore`. */
export interface PostgresRestoreOptions extends PostgresLocation, ClusterRestoreOptions {}

/** A location whose parts are known to be right. */
export interface CheckedLocation {
  /** The servers, at least one. */
  readonly targets: readonly Target[];
  /** Certificates for TLS. */
  readonly certificates: TlsCertificates;
  /** The name of the oracle. */
  readonly name: string;
  /** Whether replicas need not confirm commits. */
  readonly acceptAsynchronousReplication: boolean;
}

/**
 * Checks where the state is.
 *
 * @throws {RangeError} if something is out of range; the message names it, and no URL is in it
 */
export function checkLocation(location: PostgresLocation): CheckedLocation {
  const { urls, tls = false, prefix = DEFAULT_PREFIX } = location;
  checkPrefix(prefix);
  const targets = parseTargets(urls, tls === false ? "none" : "verified");
  if (tls !== false && targets.some(({ encryption }) => encryption === "none")) {
    throw new RangeError(
      "Cannot make a driver as 'tls' must be false if one of 'urls' has sslmode=disable: correct one of the two",
    );
  }
  return {
    targets,
    certificates: typeof tls === "boolean" ? {} : certificatesOf(tls),
    name: prefix,
    acceptAsynchronousReplication: location.acceptAsynchronousReplication ?? false,
  };
}
