// SPDX-License-Identifier: Apache-2.0

import { parseEndpoint } from "../../core/endpoint.ts";
import type { TlsCertificates } from "../../grpc/tls_certificates.ts";
import { certificatesOf, checkPrefix, DEFAULT_PREFIX } from "../cluster/location.ts";
import type { EngineTlsOptions } from "../cluster/location.ts";
import type { ClusterNodeOptions } from "../cluster/options.ts";
import type { ClusterRestoreOptions } from "../cluster/restore.ts";
import { KEY_FOLDERS } from "./keys.ts";
import { MAX_SEQUENCE_KEYS } from "./sequence_buckets.ts";

/** Certificates for etcd, as PEM text. */
export interface EtcdTlsOptions extends EngineTlsOptions {}

/** Where the state of an oracle is kept. */
export interface EtcdLocation {
  /**
   * The members of etcd, at least one: `host:port`, or with a scheme `http://host:port` or `https://host:port`. One of them
   * is used at a time, the others if it fails.
   */
  readonly endpoints: readonly string[];
  /**
   * Speaks TLS with the endpoints that name no scheme. `true` trusts the authorities of the system.
   *
   * @default {false}
   */
  readonly tls?: boolean | EtcdTlsOptions | undefined;
  /**
   * What all keys of the oracle begin with: 1 to 128 letters, digits, and `-`, `_`, `.`, `/`. Oracles with different prefixes
   * on one etcd know nothing of each other. No part between slashes may be `leadership` or `sequences`: such an oracle
   * would lie among the keys of another.
   *
   * @default {"tsoracle"}
   */
  readonly prefix?: string | undefined;
}

/** Options of an `EtcdDriver`. */
export interface EtcdDriverOptions extends ClusterNodeOptions, EtcdLocation {
  /**
   * How many sequences there may be, 1 to 10,000: all their records must fit a request to etcd. If there are more
   * already, all of them can be used, but no other.
   *
   * @default {10_000}
   */
  readonly maxSequenceKeys?: number | undefined;
}

/** Options of `EtcdDriver.restore`. */
export interface EtcdRestoreOptions extends EtcdLocation, ClusterRestoreOptions {}

/** A location whose parts are known to be right. */
export interface CheckedLocation {
  /** Origins. */
  readonly urls: readonly string[];
  /** Certificates; absent for plaintext and for what the runtime trusts. */
  readonly tls: TlsCertificates | undefined;
  /** What all keys begin with. */
  readonly prefix: string;
}

/**
 * Checks where the state is.
 *
 * @throws {RangeError} if something is out of range; the message names it
 * @throws {CoreError} `invalid-endpoint` if an endpoint is none
 */
export function checkLocation(location: EtcdLocation): CheckedLocation {
  const { endpoints, prefix = DEFAULT_PREFIX, tls = false } = location;
  if (endpoints.length === 0) {
    throw new RangeError(
      "Cannot make a driver as 'endpoints' must name at least one member of etcd: it is empty",
    );
  }
  checkPrefix(prefix);
  const reserved = prefix.split("/").find((part) => KEY_FOLDERS.includes(part));
  if (reserved !== undefined) {
    throw new RangeError(
      `Cannot make a driver as 'prefix' must not have '${reserved}' between slashes, where the keys of another oracle may be: current value is ${
        JSON.stringify(prefix)
      }`,
    );
  }
  const scheme = tls === false ? "http" : "https";
  return {
    urls: endpoints.map((endpoint) => urlOf(endpoint, scheme)),
    tls: typeof tls === "boolean" ? undefined : certificatesOf(tls),
    prefix,
  };
}

/** @throws {RangeError} if the records of so many sequences would not fit a request to etcd */
export function checkSequenceLimit(maxSequenceKeys: number): void {
  if (maxSequenceKeys <= MAX_SEQUENCE_KEYS) return;
  throw new RangeError(
    `Cannot make a driver as 'maxSequenceKeys' must be at most ${MAX_SEQUENCE_KEYS}, which is what fits a request to etcd: current value is ${maxSequenceKeys}`,
  );
}

function urlOf(endpoint: string, scheme: string): string {
  const [, given = scheme, address = endpoint] = /^(https?):\/\/(.*)$/.exec(endpoint) ?? [];
  const { host, port } = parseEndpoint(address);
  return `${given}://${host}:${port}`;
}
