// SPDX-License-Identifier: Apache-2.0

import { formatEndpoint, parseEndpoint } from "../../core/endpoint.ts";
import type { PeerEndpoint } from "../../core/endpoint.ts";
import { CoreError } from "../../core/errors.ts";
import type { ChannelTarget, ClientTlsOptions } from "../channels/channel.ts";

/** A server that the client can go to. */
export interface EndpointAddress extends ChannelTarget {
  /** `host:port` as URLs write it, which names the endpoint: it is known under no other text. */
  readonly name: string;
  /** Whether the user named it, and not a server's hint. */
  readonly configured: boolean;
}

/** Whether and how channels speak TLS. */
export interface TlsSetting {
  /** Whether an address without a scheme speaks TLS; a hint never has a scheme. */
  readonly secure: boolean;
  /** The certificates of channels that speak TLS; absent for what the runtime trusts. */
  readonly tls: ClientTlsOptions | undefined;
}

const SCHEME = /^(https?):\/\/(.*?)\/?$/is;

/** Whether an address of the user asks for TLS by its scheme. */
export function asksForTls(text: string): boolean {
  return /^https:\/\//i.test(text);
}

/**
 * Reads an address of the user: `host:port`, `http://host:port` or `https://host:port`. A scheme is stronger
 * than the setting, in both directions (behaviour.md 6.10).
 *
 * @throws {CoreError} `invalid-endpoint` naming the text and the rule that it breaks
 */
export function configuredAddress(text: string, setting: TlsSetting): EndpointAddress {
  const [, scheme, rest] = SCHEME.exec(text) ?? [];
  const secure = scheme === undefined ? setting.secure : scheme.toLowerCase() === "https";
  const { tls } = setting;
  return addressOf(parseEndpoint(rest ?? text), { secure, tls, configured: true });
}

/**
 * The address that a hint names. It speaks TLS if the client does: a server cannot choose.
 *
 * @throws {CoreError} `invalid-endpoint` if no URL can have this host
 */
export function hintedAddress(endpoint: PeerEndpoint, setting: TlsSetting): EndpointAddress {
  return addressOf(endpoint, { ...setting, configured: false });
}

interface AddressOptions extends TlsSetting {
  readonly configured: boolean;
}

function addressOf(endpoint: PeerEndpoint, options: AddressOptions): EndpointAddress {
  const name = formatEndpoint({ host: hostOf(endpoint), port: endpoint.port });
  const { secure, tls, configured } = options;
  return secure
    ? { name, origin: `https://${name}`, tls, configured }
    : { name, origin: `http://${name}`, tls: undefined, configured };
}

/** The host in the one spelling of URLs: lower case, IPv6 shortened, so that no endpoint has two names. */
function hostOf(endpoint: PeerEndpoint): string {
  const text = formatEndpoint(endpoint);
  try {
    // A URL takes what follows a backslash for its path.
    if (!endpoint.host.includes("\\")) return new URL(`http://${text}`).hostname;
  } catch {
    // The rule below says what is wrong in words that name the endpoint.
  }
  throw new CoreError(
    "invalid-endpoint",
    `Cannot use ${JSON.stringify(text)} as an endpoint: no URL can have this host; write host:port`,
  );
}
