// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import { TransientError } from "../../consensus/errors.ts";
import type { Clock } from "../../core/clock.ts";
import { Event_EventType } from "../../gen/etcdserverpb/rpc_pb.ts";
import type { WatchResponse } from "../../gen/etcdserverpb/rpc_pb.ts";
import type { StandingNews } from "../cluster/store.ts";
import type { EtcdClient } from "./client.ts";
import { FoundKeys } from "./found_keys.ts";
import type { EtcdKeys } from "./keys.ts";
import { foundBy, read, revisionOf } from "./operations.ts";
import { readStanding } from "./standing_keys.ts";

const logger = getLogger(["tsoracle", "drivers", "etcd"]);

/** How long to wait before a watch is begun anew; doubled each time, until one has brought something. */
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 1_000;

/** What a {@linkcode watchStanding} works with. */
export interface StandingWatchOptions {
  /** How etcd is reached. */
  readonly client: EtcdClient;
  /** The keys of the oracle. */
  readonly keys: EtcdKeys;
  /** Where time comes from. */
  readonly clock: Clock;
  /** How long etcd may take to begin a watch, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * Follows the leadership for as long as the signal lets it. Whatever ends a watch - a member that is killed or
 * paused, a cluster without a leader, revisions that were compacted away - is told as a gap at once, and so is the new one
 * that begins from what is read then.
 *
 * What does not pass by itself, such as a refused certificate, is tried again as well: reads will say it.
 *
 * @throws the signal's reason only
 */
export async function* watchStanding(options: StandingWatchOptions): AsyncGenerator<StandingNews> {
  const { clock, signal } = options;
  let cause: unknown;
  let isOpen = true;
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    let wasLost = false;
    try {
      for await (const news of watchOnce(options, cause)) {
        isOpen = true;
        if (news.kind === "standing") pauseMs = FIRST_PAUSE_MS;
        yield news;
      }
    } catch (error) {
      signal.throwIfAborted();
      cause = error;
      wasLost = isOpen;
      isOpen = false;
    }
    if (wasLost) {
      logger.info("the watch of etcd was lost: {cause}", { cause });
      // The silence of a leader that is not watched means nothing.
      yield { kind: "gap", cause };
    }
    await clock.delay(pauseMs, { signal });
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
}

async function* watchOnce(
  { client, keys, timeoutMs, signal }: StandingWatchOptions,
  cause: unknown,
): AsyncGenerator<StandingNews> {
  const start = await client.txn({ success: [read(keys.leadership)] }, { timeoutMs, signal });
  const found = new FoundKeys(foundBy(start));
  const from = revisionOf(start) + 1n;
  for await (const response of client.watch(keys.leadership, { from, timeoutMs, signal })) {
    if (response.canceled) throw endedBy(response);
    if (response.created) yield { kind: "gap", cause };
    if (response.events.length === 0) continue;
    for (const { type, kv } of response.events) {
      if (kv === undefined) continue;
      if (type === Event_EventType.DELETE) found.remove(kv.key);
      else found.write(kv);
    }
    yield { kind: "standing", standing: readStanding(keys, found) };
  }
}

function endedBy({ cancelReason, compactRevision }: WatchResponse): TransientError {
  return new TransientError(
    compactRevision > 0n
      ? `etcd ended the watch: its revisions before ${compactRevision} are compacted`
      : `etcd ended the watch: ${cancelReason || "it said no reason"}`,
  );
}
