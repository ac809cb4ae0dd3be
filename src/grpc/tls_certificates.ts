// SPDX-License-Identifier: Apache-2.0

/** Certificates of a connection, PEM. */
export interface TlsCertificates {
  /** The authorities to trust instead of the system's. */
  readonly ca?: string;
  /** The own certificate, for peers that ask for one. Needs `key`. */
  readonly cert?: string;
  /** The key of `cert`. */
  readonly key?: string;
}
