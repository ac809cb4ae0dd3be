// SPDX-License-Identifier: Apache-2.0

import type { TsoClient } from "../../client/mod.ts";
import type { ReceivedRange } from "../../testing/history_checker.ts";
import type { Target } from "./target.ts";

/** Puts load on the servers of a client. All callers share it, as they would in a program. */
export function clientTarget(client: TsoClient): Target {
  return { getTs: (count) => count === 1 ? getOne(client) : getMany(client, count) };
}

async function getOne(client: TsoClient): Promise<ReceivedRange> {
  const timestamp = await client.getTs();
  return { first: timestamp, last: timestamp, length: 1 };
}

async function getMany(client: TsoClient, count: number): Promise<ReceivedRange> {
  const { first, last } = await client.getTsBatch(count);
  return { first, last, length: count };
}
