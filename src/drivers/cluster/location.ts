// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../core/clock.ts";
import type { TlsCertificates } from "../../grpc/tls_certificates.ts";

/** The name of the oracle in its engine if nothing else is chosen. */
export const DEFAULT_PREFIX = "tsoracle";

const MAX_PREFIX_LENGTH = 128;

/** What a prefix must have. */
export const PREFIX_RULE = `1 to ${MAX_PREFIX_LENGTH} letters, digits, '-', '_', '.' or '/'`;

/** Whether a text can be the name of an oracle in its engine. */
export function isPrefix(text: string): boolean {
  return /^[\w./-]+$/.test(text) && text.length <= MAX_PREFIX_LENGTH;
}

/** @throws {RangeError} if it is none */
export function checkPrefix(prefix: string): void {
  if (isPrefix(prefix)) return;
  throw new RangeError(
    `Cannot make a driver as 'prefix' must have ${PREFIX_RULE}: current value is ${
      JSON.stringify(prefix)
    }`,
  );
}

/** Certificates for an engine, as PEM text. */
export interface EngineTlsOptions {
  /** The authorities to trust instead of the system's. */
  readonly caPem?: string | undefined;
  /** The own certificate, for an engine that asks clients for one. Needs `keyPem`. */
  readonly certPem?: string | undefined;
  /** The private key of `certPem`. */
  readonly keyPem?: string | undefined;
}

/** @throws {RangeError} if there is a certificate without its key, or a key without its certificate */
export function certificatesOf({ caPem, certPem, keyPem }: EngineTlsOptions): TlsCertificates {
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

/** What the store of a driver, or of a restore, is told of time. */
export interface StoreTiming {
  /** Where time comes from. */
  readonly clock: Clock;
  /** How long a call of the watch may take, in milliseconds. */
  readonly watchTimeoutMs: number;
}
