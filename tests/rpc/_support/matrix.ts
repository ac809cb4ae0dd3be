// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import type { Client, Transport } from "@connectrpc/connect";
import { TsoService } from "../../../src/gen/tsoracle/v1/tso_pb.ts";
import { LEADER_HINT_KEY } from "../../../src/rpc/leader_hint.ts";
import { settle } from "../../../src/testing/manual_clock.ts";
import { OracleRig } from "../../_support/oracle_rig.ts";
import type { OracleRigOptions } from "../../_support/oracle_rig.ts";
import { hexOfHeader } from "./calls.ts";

/** What a call is answered with when it is refused, in the words of gRPC. */
export interface Refused {
  readonly code: Code;
  /** The whole message, or what it has to match. */
  readonly message: string | RegExp;
  /** The trailer with the leader hint in hex; `undefined` if there must be none. */
  readonly hint: string | undefined;
}

/** A call through a client that speaks any of the protocols. */
export type MatrixCall = (client: Client<typeof TsoService>) => Promise<object>;

/** One row of behaviour.md 1.4: a node, a call, what is said. */
export interface MatrixRow {
  readonly name: string;
  readonly options?: OracleRigOptions;
  /** Brings the node into its state. */
  readonly node: (rig: OracleRig) => void | Promise<void>;
  readonly call: MatrixCall;
  /** A refusal, or the fields of the answer. */
  readonly answer: Refused | { readonly fields: object };
  /** Looks at the node afterwards. */
  readonly after?: (rig: OracleRig) => void;
}

/** NOT_LEADER with the hint in hex. */
export function notLeader(hint: string): Refused {
  return { code: Code.FailedPrecondition, message: "not leader", hint };
}

/** Any other refusal: it has no trailer. */
export function refused(code: Code, message: string | RegExp): Refused {
  return { code, message, hint: undefined };
}

/** INVALID_ARGUMENT: the caller must change the request. */
export function invalid(message: string | RegExp): Refused {
  return refused(Code.InvalidArgument, message);
}

/** Runs a row over a transport and compares all of code, message and trailer. */
export async function checkRow(
  row: MatrixRow,
  connect: (rig: OracleRig) => Promise<Transport & AsyncDisposable>,
): Promise<void> {
  await using rig = new OracleRig(row.options);
  await row.node(rig);
  await using transport = await connect(rig);
  const { answer } = row;
  const asked = row.call(createClient(TsoService, transport));
  if ("fields" in answer) assert.partialDeepStrictEqual(await asked, answer.fields);
  else await assert.rejects(asked, (error) => isRefusal(error, answer));
  row.after?.(rig);
}

function isRefusal(error: unknown, expected: Refused): true {
  assert(error instanceof ConnectError, String(error));
  assert.equal(Code[error.code], Code[expected.code], error.message);
  if (typeof expected.message === "string") assert.equal(error.rawMessage, expected.message);
  else assert.match(error.rawMessage, expected.message);
  const hint = error.metadata.get(LEADER_HINT_KEY);
  assert.equal(hint === null ? undefined : hexOfHeader(hint), expected.hint, "the trailer");
  return true;
}

/** A follower that knows its leader, and the hint that it gives. */
export const FOLLOWER_HINT = "0a0e31302e302e302e373a35303535311202102a";

/** Lets a node follow the leader of {@linkcode FOLLOWER_HINT}. */
export async function follow(rig: OracleRig): Promise<void> {
  rig.driver.announce({
    kind: "follower",
    leaderEndpoint: { host: "10.0.0.7", port: 50_551 },
    leaderEpoch: 42n,
  });
  await settle();
}

/** Lets a node lead under epoch 2^64 + 3, so that both halves show. */
export async function lead(rig: OracleRig): Promise<void> {
  await rig.lead((1n << 64n) + 3n);
}

/** Lets a node lead and be in doubt of it. */
export async function doubt(rig: OracleRig): Promise<void> {
  await rig.lead(1n, () => rig.clock.monotonicMs());
}

/** The states in which a node sends every caller away, and the hint that it gives. */
export const ELSEWHERE = [
  ["a follower that knows its leader", follow, FOLLOWER_HINT],
  ["a node that knows of no leader", () => settle(), ""],
  ["a leader in doubt", doubt, ""],
] as const;
