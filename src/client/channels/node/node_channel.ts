// SPDX-License-Identifier: Apache-2.0

import { abortable } from "../../../core/abortable.ts";
import type { Channel, ChannelTarget } from "../channel.ts";
import { CallDeadlines } from "./call_deadlines.ts";
import { GrpcConnection } from "./connection.ts";
import { GrpcTransport } from "./grpc_transport.ts";
import { UnheldClock } from "./unheld_clock.ts";

/**
 * Opens a gRPC channel over HTTP/2, in plaintext or with TLS. One connection carries all its calls; it is
 * made by the first of them, and made anew when it has ended. While no call is under way it does not keep
 * the process alive, but for the second in which a dial may still succeed that its callers have given up.
 */
export function connectGrpc(target: ChannelTarget): Channel {
  const { origin } = target;
  const connection = new GrpcConnection(target);
  const deadlines = new CallDeadlines(new UnheldClock());
  return {
    transport: new GrpcTransport({ connection, origin, deadlines }),
    sendsOnce: true,
    async dial(signal) {
      connection.enter();
      try {
        await abortable(connection.session(), signal);
      } finally {
        connection.leave();
      }
    },
    close() {
      connection.close();
      deadlines.clear();
    },
  };
}
