// SPDX-License-Identifier: Apache-2.0

import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;

/** A certificate and its key, both PEM. */
export interface Identity {
  readonly certPem: string;
  readonly keyPem: string;
}

/** Everything that the TLS tests need. The server's name is `localhost` and `127.0.0.1`. */
export interface Certificates {
  /** The authority of the server's certificate. */
  readonly caPem: string;
  readonly server: Identity;
  /** The authority of the client's certificate. */
  readonly clientCaPem: string;
  readonly client: Identity;
  /** Signed by the server's authority, so that no client check may accept it. */
  readonly stranger: Identity;
}

let made: Promise<Certificates> | undefined;

/** Makes the certificates, once per process. They are valid for a day. */
export function makeCertificates(): Promise<Certificates> {
  made ??= make();
  return made;
}

async function make(): Promise<Certificates> {
  const servers = await Authority.make("server test authority");
  const clients = await Authority.make("client test authority");
  return {
    caPem: servers.certPem,
    server: await servers.issue("localhost", "server"),
    clientCaPem: clients.certPem,
    client: await clients.issue("client", "client"),
    stranger: await servers.issue("stranger", "client"),
  };
}

class Authority {
  readonly certPem: string;
  readonly #cert: x509.X509Certificate;
  readonly #keys: CryptoKeyPair;

  constructor(cert: x509.X509Certificate, keys: CryptoKeyPair) {
    this.#cert = cert;
    this.#keys = keys;
    this.certPem = cert.toString("pem");
  }

  static async make(name: string): Promise<Authority> {
    const keys = await makeKeys();
    const cert = await x509.X509CertificateGenerator.createSelfSigned({
      ...validity(),
      name: `CN=${name}`,
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      ],
    });
    return new Authority(cert, keys);
  }

  /** A leaf: some TLS stacks refuse a server certificate that is an authority itself. */
  async issue(name: string, role: "server" | "client"): Promise<Identity> {
    const keys = await makeKeys();
    const usage = role === "server"
      ? x509.ExtendedKeyUsage.serverAuth
      : x509.ExtendedKeyUsage.clientAuth;
    const cert = await x509.X509CertificateGenerator.create({
      ...validity(),
      subject: `CN=${name}`,
      issuer: this.#cert.subject,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        new x509.SubjectAlternativeNameExtension([
          { type: "dns", value: name },
          { type: "ip", value: "127.0.0.1" },
        ]),
      ],
    });
    return { certPem: cert.toString("pem"), keyPem: await exportKey(keys.privateKey) };
  }
}

function makeKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

async function exportKey(key: CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

function validity(): { readonly notBefore: Date; readonly notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - DAY_MS), notAfter: new Date(now + DAY_MS) };
}
