// SPDX-License-Identifier: Apache-2.0

import type { RequestHead } from "../../http2/request_head.ts";

/** The protocols that have a fast lane. */
export type FastProtocol = "grpc" | "connect";

const PATH = "/tsoracle.v1.TsoService/GetTs";

const PROTOCOLS: ReadonlyMap<string, FastProtocol> = new Map([
  ["application/grpc", "grpc"],
  ["application/grpc+proto", "grpc"],
  ["application/proto", "connect"],
]);

/** Longest deadline of the lane in milliseconds: what no caller may exceed anyway is looked at elsewhere. */
const MAX_TIMEOUT_MS = 86_400_000;

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/** Fields that decide how a call is answered, and whether their value leaves it on the lane. */
const DECISIVE: ReadonlyMap<string, (value: string) => boolean> = new Map([
  ["content-type", (value) => PROTOCOLS.has(value)],
  ["grpc-timeout", isPlainGrpcTimeout],
  ["grpc-encoding", (value) => value === "identity"],
  ["connect-timeout-ms", isPlainConnectTimeout],
  ["connect-protocol-version", (value) => value === "1"],
  // What is compressed, what a browser asks for, and who waits with the body, is answered by Connect.
  ["content-encoding", () => false],
  ["origin", () => false],
  ["expect", () => false],
]);

/**
 * The protocol in which a request may be answered on the fast lane, if it may: a plain call of GetTs. What the other
 * fields say, such as those of tracing, changes nothing about the answer.
 */
export function fastProtocolOf(head: RequestHead): FastProtocol | undefined {
  if (head.path !== PATH || head.method !== "POST") return undefined;
  const seen: string[] = [];
  let protocol: FastProtocol | undefined;
  for (const { name, value } of head.fields) {
    const leavesOnLane = DECISIVE.get(name);
    if (leavesOnLane === undefined) continue;
    if (!leavesOnLane(value) || seen.includes(name)) return undefined;
    if (name === "content-type") protocol = PROTOCOLS.get(value);
    seen.push(name);
  }
  return protocol;
}

/** A deadline that is well-formed, not over before the answer can be made, and not too long. */
function isPlainGrpcTimeout(value: string): boolean {
  if (!/^[0-9]{1,8}[HMSmun]$/.test(value)) return false;
  return isPlainMs(Number(value.slice(0, -1)) * (UNIT_MS[value.slice(-1)] ?? 0));
}

function isPlainConnectTimeout(value: string): boolean {
  return /^[0-9]{1,10}$/.test(value) && isPlainMs(Number(value));
}

function isPlainMs(ms: number): boolean {
  return ms >= 1 && ms <= MAX_TIMEOUT_MS;
}
