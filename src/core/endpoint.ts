// SPDX-License-Identifier: Apache-2.0

import { CoreError } from "./errors.ts";

/** A service address without a scheme, such as `10.0.0.7:50551` or `[::1]:50551` (behaviour.md 2.8). */
export interface PeerEndpoint {
  /** Host name or address; an IPv6 address keeps its brackets. */
  readonly host: string;
  /** TCP port, 1 to 65535. */
  readonly port: number;
}

/**
 * Parses `host:port`. The port follows the last colon, so a bracketed IPv6 address works. A scheme is
 * refused, because a hint must not be able to choose between plaintext and TLS.
 *
 * @param text the address
 * @throws {CoreError} `invalid-endpoint` naming the text and the rule that it breaks
 */
export function parseEndpoint(text: string): PeerEndpoint {
  const refuse = (rule: string) =>
    new CoreError("invalid-endpoint", `Cannot use ${JSON.stringify(text)} as an endpoint: ${rule}`);
  if (text === "") throw refuse("it is empty; write host:port");
  if (text.includes("://")) throw refuse("it must not name a scheme; write host:port");
  const colon = text.lastIndexOf(":");
  if (colon < 0) throw refuse("the port is missing; write host:port");
  const host = text.slice(0, colon);
  if (host === "") throw refuse("the host is missing; write host:port");
  if (/[\s/@?#]/.test(host)) throw refuse("the host has a character that no host name has");
  const digits = text.slice(colon + 1);
  const port = /^[0-9]{1,5}$/.test(digits) ? Number(digits) : 0;
  if (port < 1 || port > 65_535) throw refuse("the port must be 1 to 65535");
  if (host.includes(":") && !/^\[[^[\]]+\]$/.test(host)) {
    throw refuse("an IPv6 address needs brackets, as in [::1]:50551");
  }
  return { host, port };
}

/** Writes an endpoint as `host:port`; the inverse of {@linkcode parseEndpoint}. */
export function formatEndpoint(endpoint: PeerEndpoint): string {
  return `${endpoint.host}:${endpoint.port}`;
}
