// SPDX-License-Identifier: Apache-2.0

import { createPrivateKey, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { getLogger } from "@logtape/logtape";
import { ServeError } from "./errors.ts";

const logger = getLogger(["tsoracle", "net"]);

/** The files of a TLS server, as PEM text. */
export interface TlsOptions {
  /** The server's certificate, followed by those between it and the authority. */
  readonly certPem: string;
  /** The private key of the certificate, without a passphrase. */
  readonly keyPem: string;
  /**
   * The authority of the clients. If it is given, a client must show a certificate signed by it; otherwise
   * clients show none.
   */
  readonly clientCaPem?: string | undefined;
}

/**
 * Checks certificate, key and authority before a socket is opened: one runtime takes anything and fails at
 * the first client.
 *
 * @throws {ServeError} `bad-certificate` naming what is wrong
 */
export function checkTls(tls: TlsOptions): void {
  const certificate = readCertificate(tls.certPem, "the certificate");
  const key = readKey(tls.keyPem);
  if (!certificate.checkPrivateKey(key)) {
    throw bad(`the private key does not belong to the certificate of ${certificate.subject}`);
  }
  if (tls.clientCaPem !== undefined) {
    readCertificate(tls.clientCaPem, "the authority of the clients");
  }
  const validTo = new Date(certificate.validTo);
  if (validTo.getTime() < Date.now()) {
    logger.warn("the certificate of {subject} has expired at {validTo}: clients will refuse it", {
      subject: certificate.subject,
      validTo: validTo.toISOString(),
    });
  }
}

function readCertificate(pem: string, what: string): X509Certificate {
  // One runtime reads a whole chain, the other wants the first certificate alone.
  const first = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(pem);
  if (first === null) {
    throw bad(`${what} holds no PEM block "BEGIN CERTIFICATE"`);
  }
  try {
    return new X509Certificate(first[0]);
  } catch (cause) {
    throw bad(`${what} cannot be read (${reasonOf(cause)})`, cause);
  }
}

function readKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw bad(
      `the private key cannot be read, or it needs a passphrase (${reasonOf(cause)})`,
      cause,
    );
  }
}

function bad(reason: string, cause?: unknown): ServeError {
  return new ServeError("bad-certificate", `Cannot serve TLS: ${reason}`, { cause });
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
