// SPDX-License-Identifier: Apache-2.0

import type { ListenAddress } from "../values.ts";
import { durationFrom, parsePath, parseServerAddress } from "../values.ts";
import { listFlag, optionalFlag, switchFlag, valueFlag } from "../flag.ts";
import type { Flag, Settings } from "../flag.ts";

const ENDPOINT: Flag<readonly ListenAddress[]> = listFlag("endpoint", {
  placeholder: "HOST:PORT",
  fallback: "127.0.0.1:50551",
  summary: "a server to ask; give it once for each, any of them finds the leader",
  parse: parseServerAddress,
});

/** The flags of every command that calls a server: which one, and how. */
export const CLIENT_FLAGS = {
  endpoints: ENDPOINT,
  timeoutMs: valueFlag("timeout", {
    placeholder: "DURATION",
    fallback: "5s",
    summary: "how long a call may take, retries included",
    parse: durationFrom(1),
  }),
  tls: switchFlag("tls", "speak TLS and trust the authorities that Deno or Node trusts"),
  tlsCa: optionalFlag("tls-ca", {
    placeholder: "FILE",
    summary: "speak TLS and trust this authority, PEM",
    parse: parsePath,
  }),
  clientCert: optionalFlag("client-cert", {
    placeholder: "FILE",
    summary: "own certificate for a server that asks for one, PEM; needs --client-key",
    parse: parsePath,
  }),
  clientKey: optionalFlag("client-key", {
    placeholder: "FILE",
    summary: "key of --client-cert, PEM",
    parse: parsePath,
  }),
} as const;

/** Values of {@linkcode CLIENT_FLAGS}. */
export type ClientSettings = Settings<typeof CLIENT_FLAGS>;
