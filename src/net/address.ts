// SPDX-License-Identifier: Apache-2.0

import { isIPv4 } from "node:net";

/**
 * Whether only this machine can reach a listener on the address: `localhost`, 127.0.0.0/8 and `::1`. A name
 * that is not known to be local counts as routable.
 */
export function isLoopback(hostname: string): boolean {
  const host = stripBrackets(hostname).toLowerCase();
  if (host === "localhost" || host === "::1") return true;
  const v4 = host.startsWith("::ffff:") ? host.slice("::ffff:".length) : host;
  return isIPv4(v4) && v4.startsWith("127.");
}

/** Writes `host:port`, with brackets around an IPv6 address, the only host with a colon in it. */
export function formatAddress(hostname: string, port: number): string {
  const host = stripBrackets(hostname);
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `[::1]` as it stands in a URL is `::1` for a socket. */
export function stripBrackets(hostname: string): string {
  return hostname.startsWith("[") && hostname.endsWith("]") ? hostname.slice(1, -1) : hostname;
}
