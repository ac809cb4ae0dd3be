// SPDX-License-Identifier: Apache-2.0

import type { Connection, ConnectionOptions, Protocol } from "./connection.ts";
import { GrpcConnection } from "./grpc_connection.ts";
import { HttpConnection } from "./http_connection.ts";

/** Opens a connection. */
export function connect(protocol: Protocol, options: ConnectionOptions): Connection {
  return protocol === "grpc" ? new GrpcConnection(options) : new HttpConnection(protocol, options);
}
