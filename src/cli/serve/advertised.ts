// SPDX-License-Identifier: Apache-2.0

import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import type { PeerEndpoint } from "../../core/endpoint.ts";
import { stripBrackets } from "../../net/address.ts";
import { UsageError } from "../errors.ts";
import type { ListenAddress } from "../values.ts";

const WILDCARDS: ReadonlySet<string> = new Set(["0.0.0.0", "::", "::0", "0:0:0:0:0:0:0:0"]);

/** Whether an address stands for all of a machine, so that nobody can connect to it. */
export function isWildcard(host: string): boolean {
  return WILDCARDS.has(stripBrackets(host));
}

/** What says how this node is reached. */
export interface AdvertisedSettings {
  /** Where it listens. */
  readonly listen: ListenAddress;
  /** What the user said about it. */
  readonly advertise: PeerEndpoint | undefined;
}

/**
 * Checks that clients can be told how to reach this node.
 *
 * @throws {UsageError} if only the user knows
 */
export function checkAdvertised({ listen, advertise }: AdvertisedSettings): void {
  if (advertise !== undefined || !isWildcard(listen.hostname)) return;
  throw new UsageError(
    `Cannot tell clients of this node: --advertise is missing, and nobody can connect to ${listen.hostname}; write --advertise HOST:${listen.port}`,
  );
}

/** Where clients reach this node: what the user said, or else where it listens. */
export function advertisedOf({ listen, advertise }: AdvertisedSettings): PeerEndpoint {
  if (advertise !== undefined) return advertise;
  const { hostname, port } = listen;
  return { host: hostname.includes(":") ? `[${hostname}]` : hostname, port };
}

/**
 * The address with its port known, which a node of a cluster advertises before it listens. Between this choice of a free
 * one and the listening another process may take it; port 0 is for trying things.
 */
export async function withKnownPort(address: ListenAddress): Promise<ListenAddress> {
  if (address.port !== 0) return address;
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", reject);
    probe.listen(0, address.hostname, resolve);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return { ...address, port };
}
