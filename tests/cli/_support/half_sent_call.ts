// SPDX-License-Identifier: Apache-2.0

import { once } from "node:events";
import { connect } from "node:net";

/** A call whose request never arrives whole. Leaving its scope ends its connection. */
export interface HalfSentCall extends AsyncDisposable {
  /** Settles when the connection has ended. */
  readonly closed: Promise<void>;
}

/** Begins a call and stops in the middle of its body, once the server has it. */
export async function halfSentCall(address: string): Promise<HalfSentCall> {
  const { hostname, port } = new URL(`http://${address}`);
  const socket = connect({ host: hostname, port: Number(port) });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => {});
  socket.write([
    "POST /tsoracle.v1.TsoService/GetTs HTTP/1.1",
    `host: ${address}`,
    "content-type: application/json",
    "content-length: 11",
    "expect: 100-continue",
    "",
    '{"count"',
  ].join("\r\n"));
  // The interim answer says that the server has read the head and waits for the rest.
  await once(socket, "data");
  socket.resume();
  const dispose = async () => {
    socket.destroy();
    await closed;
  };
  return { closed, [Symbol.asyncDispose]: dispose };
}
