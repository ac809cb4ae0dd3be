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

/** Whether a value of a decisive field leaves the call on the lane. */
type Rule = (value: string) => boolean;

/** Fields that decide how a call is answered. */
const RULES: readonly (readonly [name: string, leavesOnLane: Rule])[] = [
  ["content-type", (value) => PROTOCOLS.has(value)],
  ["grpc-timeout", isPlainGrpcTimeout],
  ["grpc-encoding", (value) => value === "identity"],
  ["connect-timeout-ms", isPlainConnectTimeout],
  ["connect-protocol-version", (value) => value === "1"],
  // What is compressed, what a browser asks for, and who waits with the body, is answered by Connect.
  ["content-encoding", () => false],
  ["origin", () => false],
  ["expect", () => false],
];

/** The rules by name, each with a bit of its own. */
const DECISIVE = new Map(
  RULES.map(([name, leavesOnLane], i) => [name, { leavesOnLane, bit: 1 << i }]),
);

/**
 * The protocol in which a request may be answered on the fast lane, if it may: a plain call of GetTs. What the other
 * fields say, such as those of tracing, changes nothing about the answer.
 */
export function fastProtocolOf(head: RequestHead): FastProtocol | undefined {
  if (head.path !== PATH || head.method !== "POST") return undefined;
  let seen = 0;
  let protocol: FastProtocol | undefined;
  for (const { name, value } of head.fields) {
    const rule = DECISIVE.get(name);
    if (rule === undefined) continue;
    if ((seen & rule.bit) !== 0 || !rule.leavesOnLane(value)) return undefined;
    if (name === "content-type") protocol = PROTOCOLS.get(value);
    seen |= rule.bit;
  }
  return protocol;
}

/** A deadline that is well-formed, not over before the answer can be made, and not too long. */
function isPlainGrpcTimeout(value: string): boolean {
  const digits = value.length - 1;
  const unitMs = UNIT_MS[value.charAt(digits)];
  if (unitMs === undefined || digits < 1 || digits > 8) return false;
  return isPlainMs(decimalOf(value, digits) * unitMs);
}

function isPlainConnectTimeout(value: string): boolean {
  const digits = value.length;
  return digits >= 1 && digits <= 10 && isPlainMs(decimalOf(value, digits));
}

function isPlainMs(ms: number): boolean {
  return ms >= 1 && ms <= MAX_TIMEOUT_MS;
}

/** The number that the first characters are in decimal, NaN if they are not. Many a call brings another one. */
function decimalOf(text: string, digits: number): number {
  let number = 0;
  for (let i = 0; i < digits; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return NaN;
    number = number * 10 + digit;
  }
  return number;
}
