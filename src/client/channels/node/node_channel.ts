// SPDX-License-Identifier: Apache-2.0

import { CallDeadlines } from "../../../grpc/call_deadlines.ts";
import { CallHeads } from "../../../grpc/call_heads.ts";
import { GrpcConnection } from "../../../grpc/connection.ts";
import { UnheldClock } from "../../../grpc/unheld_clock.ts";
import type { Channel, ChannelTarget } from "../channel.ts";
import { DirectGrpcTransport } from "./direct_grpc_transport.ts";

/** The largest answer to accept, in bytes: a batch of 128 sequences has about 20 kB. */
const MAX_ANSWER_BYTES = 1_048_576;

/**
 * Opens a gRPC channel over HTTP/2, in plaintext or with TLS. One connection carries all its calls; it is
 * made by the first of them, and made anew when it has ended. While no call is under way it does not keep
 * the process alive, but for the second in which a dial may still succeed that its callers have given up.
 */
export function connectGrpc(target: ChannelTarget): Channel {
  const connection = new GrpcConnection(target);
  const deadlines = new CallDeadlines(new UnheldClock());
  const heads = new CallHeads(target.origin);
  return {
    transport: new DirectGrpcTransport({
      connection,
      heads,
      deadlines,
      maxAnswerBytes: MAX_ANSWER_BYTES,
    }),
    sendsOnce: true,
    dial: (signal) => connection.dial(signal),
    close() {
      connection.close();
      deadlines.clear();
    },
  };
}
