// SPDX-License-Identifier: Apache-2.0

import { create } from "@bufbuild/protobuf";
import type { Channel } from "../src/client/mod.ts";
import { TsoClient } from "../src/client/mod.ts";
import type { GetTsRequest } from "../src/gen/tsoracle/v1/tso_pb.ts";
import { GetTsResponseSchema, TsoService } from "../src/gen/tsoracle/v1/tso_pb.ts";
import { Allocator, PHYSICAL_MS_MAX } from "../src/server/mod.ts";
import type { Rate } from "./rate.ts";
import { summarize } from "./rate.ts";

/** An oracle at the other end of a function call: no bytes, no sockets. */
export function stubChannel(): Channel {
  const allocator = new Allocator();
  allocator.becomeLeader(Date.now(), PHYSICAL_MS_MAX, 1n);
  const answer = ({ count }: GetTsRequest) => {
    const grant = allocator.tryGrant(Date.now(), count);
    if (grant.kind !== "granted") throw new Error(grant.kind);
    const { physicalMs, logicalStart } = grant;
    return create(GetTsResponseSchema, {
      physicalMs: BigInt(physicalMs),
      logicalStart,
      count,
      epochLo: 1n,
    });
  };
  const unary = (...[, , , , input]: readonly unknown[]) => {
    const message = answer(input as GetTsRequest);
    const [header, trailer] = [new Headers(), new Headers()];
    const method = TsoService.method.getTs;
    return Promise.resolve({
      stream: false,
      service: TsoService,
      method,
      header,
      trailer,
      message,
    });
  };
  return { transport: { unary, stream: () => Promise.reject(new Error("unused")) }, close() {} };
}

/** Callers at a time. */
export const ALONE_CALLERS: readonly number[] = [1, 16, 256, 1024];

/** What a number of callers gets from a client whose server costs nothing. */
export interface AloneFigures {
  readonly callers: number;
  /** Awaited calls per second. */
  readonly calls: Rate;
}

/** How {@linkcode measureClientAlone} measures. */
export interface AloneOptions {
  /** Number of runs of each, after one that does not count. */
  readonly runs: number;
  /** Milliseconds of a run. */
  readonly runMs: number;
}

/** What the client itself costs: calls that are awaited one after the other by each caller. */
export async function measureClientAlone(options: AloneOptions): Promise<readonly AloneFigures[]> {
  const { runs, runMs } = options;
  const perSecond = new Map(ALONE_CALLERS.map((callers) => [callers, [] as number[]]));
  for (let run = 0; run <= runs; run++) {
    for (const [callers, rates] of perSecond) {
      const rate = await callTogether(callers, runMs);
      if (run > 0) rates.push(rate);
    }
  }
  return [...perSecond].map(([callers, rates]) => ({ callers, calls: summarize(rates) }));
}

async function callTogether(callers: number, runMs: number): Promise<number> {
  await using client = new TsoClient({ endpoints: ["127.0.0.1:1"], connect: stubChannel });
  const beganMs = performance.now();
  const endMs = beganMs + runMs;
  let calls = 0;
  const callInTurn = async () => {
    for (; performance.now() < endMs; calls++) await client.getTs();
  };
  await Promise.all(Array.from({ length: callers }, callInTurn));
  return calls / ((performance.now() - beganMs) / 1_000);
}
