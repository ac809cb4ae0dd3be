// SPDX-License-Identifier: Apache-2.0

import { parseEndpoint } from "../../core/endpoint.ts";
import type { PeerEndpoint } from "../../core/endpoint.ts";
import { CoreError } from "../../core/errors.ts";
import { DEFAULT_PREFIX, isPrefix, PREFIX_RULE } from "../../drivers/cluster/location.ts";
import { LONGEST_LEASE_MS, SHORTEST_LEASE_MS } from "../../drivers/cluster/timing.ts";
import { STATE_DIR_FLAG } from "../common.ts";
import { ValueError } from "../errors.ts";
import { listFlag, optionalFlag, switchFlag, valueFlag } from "../flag.ts";
import { durationBetween, durationFrom, parsePath } from "../values.ts";
import { isWildcard } from "./advertised.ts";

/** The flags of the driver `file`. */
export const FILE_FLAGS = {
  directory: STATE_DIR_FLAG,
} as const;

/** The flags of every driver of a cluster that say where its state is. */
export const PREFIX_FLAGS = {
  prefix: valueFlag("prefix", {
    placeholder: "NAME",
    fallback: DEFAULT_PREFIX,
    summary: "name of the oracle in the engine; those of other names know nothing of each other",
    parse: parsePrefix,
  }),
} as const;

/** The flags of every driver of a cluster. */
export const CLUSTER_FLAGS = {
  advertise: optionalFlag("advertise", {
    placeholder: "HOST:PORT",
    summary:
      "where clients reach this node, without a scheme; without it the address of --listen, if others can reach that",
    parse: parseAdvertised,
  }),
  ...PREFIX_FLAGS,
  leaseMs: valueFlag("lease", {
    placeholder: "DURATION",
    fallback: "1500ms",
    summary:
      "how long a leader that is not heard of keeps its term, 300ms to 1m; the same on all nodes",
    parse: durationBetween(SHORTEST_LEASE_MS, LONGEST_LEASE_MS),
  }),
  handoverMs: valueFlag("handover", {
    placeholder: "DURATION",
    fallback: "5s",
    summary:
      "how long a leader that stops may take to hand over to another node; 0 only lets its lease go",
    parse: durationFrom(0),
  }),
} as const;

/** The flags of the driver `etcd` that say how to reach it. */
export const ETCD_FLAGS = {
  etcd: listFlag("etcd", {
    placeholder: "HOST:PORT",
    summary:
      "a member of etcd, or several parted by commas; with http:// or https:// if it matters",
    parse: parseMembers,
  }),
  etcdTls: switchFlag("etcd-tls", "speak TLS with the members that name no scheme"),
  etcdCa: optionalFlag("etcd-ca", {
    placeholder: "FILE",
    summary: "speak TLS with etcd and trust this authority, PEM",
    parse: parsePath,
  }),
  etcdCert: optionalFlag("etcd-cert", {
    placeholder: "FILE",
    summary: "own certificate for an etcd that asks for one, PEM; needs --etcd-key",
    parse: parsePath,
  }),
  etcdKey: optionalFlag("etcd-key", {
    placeholder: "FILE",
    summary: "key of --etcd-cert, PEM",
    parse: parsePath,
  }),
} as const;

/** The flags of the driver `postgres` that say how to reach it. */
export const POSTGRES_FLAGS = {
  urls: listFlag("url", {
    placeholder: "URL",
    summary:
      "postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full, with several hosts parted by commas; keep a password in the variable",
    takesCommas: true,
    show: withoutPassword,
    parse: (text) => text,
  }),
  postgresTls: switchFlag("postgres-tls", "speak TLS with the servers whose URL has no sslmode"),
  postgresCa: optionalFlag("postgres-ca", {
    placeholder: "FILE",
    summary: "speak TLS with PostgreSQL and trust this authority, PEM",
    parse: parsePath,
  }),
  postgresCert: optionalFlag("postgres-cert", {
    placeholder: "FILE",
    summary: "own certificate for a server that asks for one, PEM; needs --postgres-key",
    parse: parsePath,
  }),
  postgresKey: optionalFlag("postgres-key", {
    placeholder: "FILE",
    summary: "key of --postgres-cert, PEM",
    parse: parsePath,
  }),
  acceptAsynchronousReplication: switchFlag(
    "accept-asynchronous-replication",
    "serve although no replica confirms commits: a failover to one repeats timestamps",
  ),
} as const;

/** A URL as it may be printed. */
export function withoutPassword(url: string): string {
  return url.replace(/^([^:/]+:\/\/[^:@/]*):[^/?#]*@/, "$1:***@");
}

function parseAdvertised(text: string): PeerEndpoint {
  const endpoint = endpointOf(text);
  if (!isWildcard(endpoint.host)) return endpoint;
  throw new ValueError("nobody can connect to that address; name the one that clients reach");
}

function parseMembers(text: string): readonly string[] {
  const members = text.split(",").map((member) => member.trim());
  for (const member of members) endpointOf(member.replace(/^https?:\/\//, ""));
  return members;
}

function endpointOf(text: string): PeerEndpoint {
  try {
    return parseEndpoint(text);
  } catch (error) {
    if (!(error instanceof CoreError)) throw error;
    throw new ValueError(error.message);
  }
}

function parsePrefix(text: string): string {
  if (isPrefix(text)) return text;
  throw new ValueError(`it must be ${PREFIX_RULE}`);
}
