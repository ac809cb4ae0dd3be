// SPDX-License-Identifier: Apache-2.0

import { connect, isIP } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { TlsCertificates } from "./tls_certificates.ts";

/** Ports of URLs that name none. */
const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/**
 * Begins to connect, with TLS if the origin has its scheme. The socket does not keep the process alive:
 * whoever waits for an answer has a timer that does, and a connection that nobody waits for any more must
 * not hold the process for as long as the system tries, which is minutes.
 */
export function openSocket(origin: string, tls: TlsCertificates | undefined): Socket {
  const { protocol, hostname, port: given } = new URL(origin);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const port = given === "" ? DEFAULT_PORTS[protocol] ?? 0 : Number(given);
  const socket = protocol === "https:"
    ? connectTls({ ...tls, host, port, ALPNProtocols: ["h2"], ...nameOf(host) })
    : connect({ host, port });
  socket.unref();
  return socket;
}

/** What a server with many certificates chooses by. Addresses are not names (RFC 6066, section 3). */
function nameOf(host: string): { readonly servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {};
}
