// SPDX-License-Identifier: Apache-2.0

import type { TsoClient } from "../../client/mod.ts";
import type { ClientSettings } from "./client_flags.ts";
import { explainClientError } from "./explain.ts";
import { endpointNames, openClient } from "./open_client.ts";

/** A server that leads. */
export interface LeaderStatus {
  /** `host:port`. */
  readonly endpoint: string;
  /** Tells them apart. */
  readonly state: "leader";
  /** The epoch of its leadership. */
  readonly epoch: bigint;
  /** The safe point, in milliseconds since the Unix epoch. */
  readonly maxSafeMs: number;
  /** The smallest bound of all leases, without any the high-water; in milliseconds since the Unix epoch. */
  readonly frontierMs: number;
  /** How long it took to answer, connecting included, in whole milliseconds. */
  readonly answeredInMs: number;
}

/** A server that answers and does not lead. */
export interface FollowerStatus {
  /** `host:port`. */
  readonly endpoint: string;
  /** Tells them apart. */
  readonly state: "follower";
  /** How long it took to answer, connecting included, in whole milliseconds. */
  readonly answeredInMs: number;
}

/** A server that does not answer. */
export interface UnreachableStatus {
  /** `host:port`. */
  readonly endpoint: string;
  /** Tells them apart. */
  readonly state: "unreachable";
  /** Why, and what to do. */
  readonly error: string;
}

/** What one server says about itself. */
export type NodeStatus = LeaderStatus | FollowerStatus | UnreachableStatus;

/**
 * Asks each server for itself, all at the same time.
 *
 * @throws {UsageError} if the flags do not fit together, or the client refuses an endpoint
 * @throws {CommandError} if a certificate cannot be read
 */
export async function readStatus(settings: ClientSettings): Promise<readonly NodeStatus[]> {
  return await Promise.all(
    settings.endpoints.map((endpoint) => readNode({ ...settings, endpoints: [endpoint] })),
  );
}

async function readNode(settings: ClientSettings): Promise<NodeStatus> {
  const [endpoint = ""] = endpointNames(settings);
  let client: TsoClient | undefined;
  try {
    client = await openClient(settings);
    return { endpoint, ...await askNode(client) };
  } catch (error) {
    const told = explainClientError({ goal: "get the status", settings }, error);
    if (client === undefined || !(told instanceof Error)) throw told;
    return { endpoint, state: "unreachable", error: told.message };
  } finally {
    await client?.close();
  }
}

/** A leader's safe point is above zero from its first moment on; who does not lead says zero (behaviour.md 1.2). */
async function askNode(
  client: TsoClient,
): Promise<Omit<LeaderStatus, "endpoint"> | Omit<FollowerStatus, "endpoint">> {
  const startedMs = performance.now();
  const safe = await client.getCurrentMaxSafe();
  const answeredInMs = Math.round(performance.now() - startedMs);
  if (safe.physicalMs === 0) return { state: "follower", answeredInMs };
  const frontier = await client.getSafeFrontier();
  const { epoch, physicalMs: maxSafeMs } = safe;
  return { state: "leader", epoch, maxSafeMs, frontierMs: frontier.physicalMs, answeredInMs };
}
