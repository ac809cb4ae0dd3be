// SPDX-License-Identifier: Apache-2.0

// Runs in a browser. The test calls what is put on `globalThis` here; what it gets back must survive JSON.

import { Code, ConnectError, createClient } from "@connectrpc/connect";
import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { fromBinary } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { LeaderHintSchema, TsoService } from "../../../src/gen/tsoracle/v1/tso_pb.ts";

/** How the page speaks to the oracle. */
export type Protocol = "grpc-web" | "connect" | "connect-json";

/** A call for the page to make. */
export interface PageCall {
  /** Where the oracle is. */
  readonly baseUrl: string;
  /** How to speak. */
  readonly protocol: Protocol;
  /** How many timestamps; none asks for the safe point, by GET where the protocol has it. */
  readonly count?: number;
}

/** What came of it, with each 64-bit number in decimal. */
export type PageOutcome =
  | { readonly kind: "answer"; readonly fields: Readonly<Record<string, string | number>> }
  | {
    readonly kind: "error";
    readonly code: string;
    readonly message: string;
    readonly leaderEndpoint: string | undefined;
    readonly leaderEpochLo: string | undefined;
  };

declare global {
  /** Makes a call from the page. */
  var callOracle: (call: PageCall) => Promise<PageOutcome>;
}

function transportOf({ baseUrl, protocol }: PageCall): Transport {
  if (protocol === "grpc-web") return createGrpcWebTransport({ baseUrl });
  const useBinaryFormat = protocol === "connect";
  return createConnectTransport({ baseUrl, useBinaryFormat, useHttpGet: true });
}

async function callOracle(call: PageCall): Promise<PageOutcome> {
  const client = createClient(TsoService, transportOf(call));
  try {
    const { count } = call;
    const answer = count === undefined
      ? await client.getCurrentMaxSafe({})
      : await client.getTs({ count });
    const entries = Object.entries(answer).filter(([name]) => !name.startsWith("$"));
    const fields = entries.map(([name, value]) =>
      [name, typeof value === "bigint" ? String(value) : value] as const
    );
    return { kind: "answer", fields: Object.fromEntries(fields) };
  } catch (error) {
    return describe(ConnectError.from(error));
  }
}

function describe(error: ConnectError): PageOutcome {
  const text = error.metadata.get("tsoracle-leader-hint-bin");
  const hint = text === null ? undefined : fromBinary(LeaderHintSchema, base64Decode(text));
  return {
    kind: "error",
    code: Code[error.code],
    message: error.rawMessage,
    leaderEndpoint: hint?.leaderEndpoint,
    leaderEpochLo: hint?.leaderEpoch === undefined ? undefined : String(hint.leaderEpoch.lo),
  };
}

globalThis.callOracle = callOracle;
