// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import { makeCertificates } from "../../_support/certs.ts";

/** The certificates of the tests as files, for programs that want files. Leaving the scope removes them. */
export interface CertificateFiles extends AsyncDisposable {
  /** The server's certificate. */
  readonly certFile: string;
  /** The server's key. */
  readonly keyFile: string;
  /** The authority of the server's certificate. */
  readonly caFile: string;
  /** The authority of the client's certificate. */
  readonly clientCaFile: string;
  /** A client that the server knows. */
  readonly clientCertFile: string;
  /** Its key. */
  readonly clientKeyFile: string;
  /** A client that the server does not know. */
  readonly strangerCertFile: string;
  /** Its key. */
  readonly strangerKeyFile: string;
}

/** Writes the certificates into a directory of their own. */
export async function writeCertificates(): Promise<CertificateFiles> {
  const made = await makeCertificates();
  const directory = await Deno.makeTempDir({ prefix: "tsoracle-certs-" });
  const write = async (name: string, pem: string) => {
    const path = join(directory, name);
    await Deno.writeTextFile(path, pem, { mode: 0o600 });
    return path;
  };
  return {
    certFile: await write("server.pem", made.server.certPem),
    keyFile: await write("server.key", made.server.keyPem),
    caFile: await write("ca.pem", made.caPem),
    clientCaFile: await write("client_ca.pem", made.clientCaPem),
    clientCertFile: await write("client.pem", made.client.certPem),
    clientKeyFile: await write("client.key", made.client.keyPem),
    strangerCertFile: await write("stranger.pem", made.stranger.certPem),
    strangerKeyFile: await write("stranger.key", made.stranger.keyPem),
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}
