// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import type { EdgeName } from "./edge.ts";

const logger = getLogger(["tsoracle", "net"]);

/** The last that was not seen to fail with either edge. */
const SOUND = "use 2.8.3, for instance with: npx -y deno@2.8.3";

/**
 * What to say about a version of Deno that cannot carry the server. Versions that were not seen to fail get
 * no advice.
 *
 * - up to 2.6 HTTP/2 servers do not answer, or end with an uncaught error;
 * - 2.9.4 to 2.9.6 crash when their `node:http2` receives a GOAWAY (denoland/deno#36788; docs/adr/0001-own-http2-edge.md).
 *
 * @param version such as `2.8.3`; suffixes of pre-releases are not looked at
 * @param edge which HTTP/2 is served
 */
export function runtimeAdvice(version: string, edge: EdgeName): string | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)/.exec(version);
  if (match === null) return undefined;
  const [major, minor, patch] = match.slice(1).map(Number) as [number, number, number];
  if (major < 2 || (major === 2 && minor <= 6)) {
    return `Deno ${version} cannot serve gRPC, as its HTTP/2 server does not work: ${SOUND}`;
  }
  if (edge === "connect" && major === 2 && minor === 9 && patch >= 4 && patch <= 6) {
    return `Deno ${version} crashes when a gRPC client disconnects: leave out '--edge connect', or ${SOUND}`;
  }
  return undefined;
}

/**
 * Logs a warning if this runtime is known to be bad.
 *
 * @param edge which HTTP/2 is served
 * @param version of Deno; by default that of this process, and none on another runtime
 * @returns the advice, for one who prints it
 */
export function warnOnBadRuntime(
  edge: EdgeName,
  version: string | undefined = denoVersion(),
): string | undefined {
  const advice = version === undefined ? undefined : runtimeAdvice(version, edge);
  if (advice !== undefined) logger.warn("{advice}", { advice });
  return advice;
}

function denoVersion(): string | undefined {
  const { Deno: deno } = globalThis as { Deno?: { version?: { deno?: string } } };
  return deno?.version?.deno;
}
