// SPDX-License-Identifier: Apache-2.0

import { Connection } from "./connection.ts";
import type { ConnectionOptions } from "./connection.ts";
import { PREFACE } from "./frames/frame_type.ts";
import { ServerStreams } from "./server_streams.ts";
import type { Router, StreamLimits } from "./server_streams.ts";
import { SETTING } from "./settings.ts";

const NOTHING = new Uint8Array(0);

/** What the server's side of a connection is made of. */
export interface ServerConnectionOptions
  extends Pick<ConnectionOptions, "transport" | "clock" | "deadlines" | "onFault" | "onReadEnd"> {
  /** What a client may cost. */
  readonly limits: StreamLimits;
  /** Finds who takes the requests. */
  readonly route: Router;
}

/**
 * Starts the server's side of HTTP/2 on a socket that has just opened. The bounds on a hostile client are those of the
 * options and these: 1,000 frames of no use at once and 50 a second (`NUISANCE_BURST`), a header block of 16 KiB more than
 * the largest list and in 64 frames, 64 KiB received and not consumed, and 256 KiB in the socket beyond the answers to one
 * read (`CONGESTED_BYTES`).
 */
export function serveConnection(options: ServerConnectionOptions): Connection {
  const { transport, clock, deadlines, onFault, onReadEnd, limits, route } = options;
  return new Connection({
    ...{ transport, clock, deadlines, onFault, ...(onReadEnd && { onReadEnd }) },
    preface: PREFACE,
    greeting: NOTHING,
    mayPeerEnablePush: true,
    settings: [
      [SETTING.maxConcurrentStreams, limits.streams],
      [SETTING.maxHeaderListSize, limits.headerBytes],
    ],
    streams: (parts, onEmpty) => new ServerStreams(parts, { limits, route, onEmpty }),
  });
}
