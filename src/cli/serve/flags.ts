// SPDX-License-Identifier: Apache-2.0

import { UINT32_MAX } from "../../core/integer_limits.ts";
import { LONGEST_TIMER_MS } from "../../core/timer_limit.ts";
import { DEFAULT_EDGE, EDGE_NAMES } from "../../net/mod.ts";
import type { EdgeName } from "../../net/mod.ts";
import type { LogFormat, LogVerbosity } from "../../observe/mod.ts";
import { LOG_FORMATS, LOG_LEVELS } from "../../observe/mod.ts";
import type { FlagSection } from "../command.ts";
import { CLUSTER_FLAGS, ETCD_FLAGS, FILE_FLAGS, POSTGRES_FLAGS } from "./driver_flags.ts";
import type { Settings } from "../flag.ts";
import { listFlag, optionalFlag, switchFlag, valueFlag } from "../flag.ts";
import {
  durationFrom,
  oneOf,
  parseFraction,
  parseListenAddress,
  parseOrigin,
  parsePath,
  wholeNumber,
} from "../values.ts";

/** A log level, and what was written if that is no level. */
export interface LogChoice {
  /** The level to use. */
  readonly level: LogVerbosity;
  /** What was asked for, if it is unknown. */
  readonly refused: string | undefined;
}

const ADDRESS_FLAGS = {
  listen: valueFlag("listen", {
    placeholder: "HOST:PORT",
    fallback: "127.0.0.1:50551",
    summary: "address to serve on; port 0 takes a free one",
    parse: parseListenAddress,
  }),
  allowInsecure: switchFlag(
    "allow-insecure",
    "serve without TLS also on an address that other machines can reach",
  ),
  corsOrigins: listFlag("cors-origin", {
    placeholder: "ORIGIN",
    summary: "web origin whose pages may call, such as https://app.example; none by default",
    parse: parseOrigin,
  }),
} as const;

const WINDOW_FLAGS = {
  windowAheadMs: valueFlag("window-ahead", {
    placeholder: "DURATION",
    fallback: "3s",
    summary: "how far ahead of the clock the durable high-water is pushed",
    parse: durationFrom(1),
  }),
  failoverAdvanceMs: valueFlag("failover-advance", {
    placeholder: "DURATION",
    fallback: "1s",
    summary: "how far ahead of its first timestamp a new leader pushes the high-water",
    parse: durationFrom(0),
  }),
  refillFraction: valueFlag("refill-fraction", {
    placeholder: "FRACTION",
    fallback: "1/3",
    summary: "part of the window that is left when the next one is prepared",
    parse: parseFraction,
  }),
} as const;

const SEQUENCE_FLAGS = {
  maxSequenceCount: valueFlag("max-seq-count", {
    placeholder: "N",
    fallback: "65536",
    summary: "most ordinals of one block; a block is spent for ever once it is taken",
    parse: wholeNumber(1, UINT32_MAX),
  }),
  maxSequenceBatchKeys: valueFlag("max-seq-batch-keys", {
    placeholder: "N",
    fallback: "128",
    summary: "most keys of one batch; with many, --max-message-bytes has to grow too",
    parse: wholeNumber(1, UINT32_MAX),
  }),
  maxSequenceKeys: optionalFlag("max-seq-keys", {
    placeholder: "N",
    summary:
      "most sequences; without it 10000, and with 'file' the number that the directory was made with",
    parse: wholeNumber(1, UINT32_MAX),
  }),
} as const;

const LEASE_FLAGS = {
  minLeaseTtlMs: valueFlag("lease-ttl-min", {
    placeholder: "DURATION",
    fallback: "5s",
    summary: "shortest lease that a holder may ask for; it should outlast a restart",
    parse: durationFrom(1),
  }),
  maxLeaseTtlMs: valueFlag("lease-ttl-max", {
    placeholder: "DURATION",
    fallback: "5m",
    summary:
      "longest lease that a holder may ask for; after a restart timestamps begin as far ahead",
    parse: durationFrom(1),
  }),
  maxLeases: valueFlag("max-leases", {
    placeholder: "N",
    fallback: "4096",
    summary: "most leases at a time, superseded ones included; each change writes all of them",
    parse: wholeNumber(1, UINT32_MAX),
  }),
} as const;

const TLS_FLAGS = {
  tlsCert: optionalFlag("tls-cert", {
    placeholder: "FILE",
    summary: "certificate chain of the server, PEM; needs --tls-key",
    parse: parsePath,
  }),
  tlsKey: optionalFlag("tls-key", {
    placeholder: "FILE",
    summary: "private key of the server, PEM; needs --tls-cert",
    parse: parsePath,
  }),
  tlsClientCa: optionalFlag("tls-client-ca", {
    placeholder: "FILE",
    summary: "authority whose certificates clients must show, PEM; needs --tls-cert and --tls-key",
    parse: parsePath,
  }),
} as const;

const EDGE_FLAGS = {
  edge: valueFlag<EdgeName>("edge", {
    placeholder: "NAME",
    fallback: DEFAULT_EDGE,
    summary: "who speaks HTTP/2: http2 is that of this package, connect the runtime's own",
    parse: oneOf(EDGE_NAMES),
  }),
} as const;

const OBSERVE_FLAGS = {
  metricsListen: valueFlag("metrics-listen", {
    placeholder: "HOST:PORT",
    fallback: "127.0.0.1:9551",
    summary: "address of the Prometheus endpoint /metrics, which asks for no password",
    parse: parseListenAddress,
  }),
  noMetrics: switchFlag("no-metrics", "keep no metrics and open no endpoint for them"),
  heartbeatIntervalMs: valueFlag("heartbeat-interval", {
    placeholder: "DURATION",
    fallback: "10s",
    summary: "time between two heartbeat lines in the log; 0 writes none",
    parse: durationFrom(0),
  }),
  log: valueFlag("log", {
    placeholder: "LEVEL",
    fallback: "info",
    summary: `least severe level that is logged: ${LOG_LEVELS.join(", ")}`,
    parse: parseLogChoice,
  }),
  logFormat: valueFlag<LogFormat>("log-format", {
    placeholder: "FORMAT",
    fallback: "text",
    summary: "what a log line looks like: text or json",
    parse: oneOf(LOG_FORMATS),
  }),
} as const;

const LIMIT_FLAGS = {
  connections: valueFlag("max-connections", {
    placeholder: "N",
    fallback: "1000",
    summary: "open connections; one more is closed as soon as it is accepted",
    parse: wholeNumber(1, LONGEST_TIMER_MS),
  }),
  watches: optionalFlag("max-watches", {
    placeholder: "N",
    summary: "health watches at a time; without it a quarter of --max-connections",
    parse: wholeNumber(1, LONGEST_TIMER_MS),
  }),
  streamsPerConnection: valueFlag("max-streams", {
    placeholder: "N",
    fallback: "256",
    summary: "open HTTP/2 streams of one connection; more are refused",
    parse: wholeNumber(1, LONGEST_TIMER_MS),
  }),
  messageBytes: valueFlag("max-message-bytes", {
    placeholder: "N",
    fallback: "65536",
    summary: "largest request in bytes, after decompression; responses have no limit",
    parse: wholeNumber(1, LONGEST_TIMER_MS),
  }),
  headerBytes: valueFlag("max-header-bytes", {
    placeholder: "N",
    fallback: "16384",
    summary: "largest head of a request in bytes",
    parse: wholeNumber(1, LONGEST_TIMER_MS),
  }),
  handshakeTimeoutMs: valueFlag("handshake-timeout", {
    placeholder: "DURATION",
    fallback: "10s",
    summary: "time for a new connection to say what it speaks, TLS included",
    parse: durationFrom(1),
  }),
  requestTimeoutMs: valueFlag("request-timeout", {
    placeholder: "DURATION",
    fallback: "30s",
    summary: "time for a request to arrive whole, and for its answer to be taken",
    parse: durationFrom(1),
  }),
  idleTimeoutMs: valueFlag("idle-timeout", {
    placeholder: "DURATION",
    fallback: "5m",
    summary: "time without a request after which a connection is closed",
    parse: durationFrom(1),
  }),
} as const;

const PROCESS_FLAGS = {
  shutdownGraceMs: valueFlag("shutdown-grace", {
    placeholder: "DURATION",
    fallback: "10s",
    summary: "how long calls in flight may go on after a signal to stop",
    parse: durationFrom(0),
  }),
  lameDuckMs: valueFlag("lame-duck", {
    placeholder: "DURATION",
    fallback: "0s",
    summary:
      "how long to go on accepting calls after /readyz says no, for a load balancer to notice",
    parse: durationFrom(0),
  }),
  printConfig: switchFlag("print-config", "print each setting with its source, and exit", {
    fromEnvironment: false,
  }),
} as const;

/** The flags of `tsoracle serve` under their headings (behaviour.md 7.2 and 7.3). */
export const SERVE_SECTIONS: readonly FlagSection[] = [
  { title: "Address", flags: { ...ADDRESS_FLAGS, ...TLS_FLAGS, ...EDGE_FLAGS } },
  { title: "Driver 'file'", flags: FILE_FLAGS },
  { title: "Drivers of a cluster", flags: CLUSTER_FLAGS },
  { title: "Driver 'etcd'", flags: ETCD_FLAGS },
  { title: "Driver 'postgres'", flags: POSTGRES_FLAGS },
  { title: "Window", flags: WINDOW_FLAGS },
  { title: "Sequences and leases", flags: { ...SEQUENCE_FLAGS, ...LEASE_FLAGS } },
  { title: "Metrics and logs", flags: OBSERVE_FLAGS },
  { title: "Limits", flags: LIMIT_FLAGS },
  { title: "Start and stop", flags: PROCESS_FLAGS },
];

/** The flags of `tsoracle serve`, whatever the driver. */
export const SERVE_FLAGS = {
  ...ADDRESS_FLAGS,
  ...TLS_FLAGS,
  ...EDGE_FLAGS,
  ...FILE_FLAGS,
  ...CLUSTER_FLAGS,
  ...ETCD_FLAGS,
  ...POSTGRES_FLAGS,
  ...WINDOW_FLAGS,
  ...SEQUENCE_FLAGS,
  ...LEASE_FLAGS,
  ...OBSERVE_FLAGS,
  ...LIMIT_FLAGS,
  ...PROCESS_FLAGS,
} as const;

/** The settings of `tsoracle serve`. */
export type ServeSettings = Settings<typeof SERVE_FLAGS>;

/** An unknown level becomes info, as in the original: a typo there is no reason not to serve. */
function parseLogChoice(text: string): LogChoice {
  const level = LOG_LEVELS.find((known) => known === text);
  return level === undefined ? { level: "info", refused: text } : { level, refused: undefined };
}
