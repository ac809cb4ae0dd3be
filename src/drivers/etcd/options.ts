// SPDX-License-Identifier: Apache-2.0

import { parseEndpoint } from "../../core/endpoint.ts";
import type { TlsCertificates } from "../../grpc/tls_certificates.ts";
import type { ClusterNodeOptions } from "../cluster/options.ts";
import type { ClusterRestoreOptions } from "../cluster/restore.ts";
import { KEY_FOLDERS } from "./keys.ts";
import { MAX_SEQUENCE_KEYS } from "./sequence_buckets.ts";

/** What all keys begin with if nothing else is chosen. */
export const DEFAULT_PREFIX = "tsoracle";

const MAX_PREFIX_LENGTH = 128;

/** Certificates for etcd, as PEM text. */
export interface EtcdTlsOptions {
  /** The authorities to trust instead of the system's. */
  readonly caPem?: string | undefined;
  /** The own certificate, for an etcd that asks clients for one. Needs `keyPem`. */
  readonly certPem?: string | undefined;
  /** The private key of `certPem`. */
  readonly keyPem?: string | undefined;
}

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
  if (!/^[\w./-]+$/.test(prefix) || prefix.length > MAX_PREFIX_LENGTH) {
    throw new RangeError(
      `Cannot make a driver as 'prefix' must have 1 to ${MAX_PREFIX_LENGTH} letters, digits, '-', '_', '.' or '/': current value is ${
        JSON.stringify(prefix)
      }`,
    );
  }
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

function certificatesOf({ caPem, certPem, keyPem }: EtcdTlsOptions): TlsCertificates {
  if ((certPem === undefined) !== (keyPem === undefined)) {
    throw new RangeError(
      `Cannot make a driver as 'tls.certPem' and 'tls.keyPem' must be given together: current value is '${
        certPem === undefined ? "keyPem" : "certPem"
      }' alone`,
    );
  }
  return {
    ...caPem === undefined ? {} : { ca: caPem },
    ...certPem === undefined ? {} : { cert: certPem },
    ...keyPem === undefined ? {} : { key: keyPem },
  };
}
