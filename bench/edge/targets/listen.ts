// SPDX-License-Identifier: Apache-2.0

import type { AddressInfo, Server } from "node:net";
import { createServer } from "node:net";

/** Binds a server to a free port of 127.0.0.1 and waits until it accepts. */
export function listenOnLoopback(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    // As many as come at once when a thousand connections are opened.
    server.listen({ port: 0, host: "127.0.0.1", backlog: 2_048 }, () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/**
 * Opens a port beside the one that is measured. Whoever connects to it gets a figure in decimal and the end of
 * the connection.
 */
export function tellFigure(figure: () => number): Promise<number> {
  return listenOnLoopback(createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.end(String(figure()));
  }));
}
