// SPDX-License-Identifier: Apache-2.0

import { once } from "node:events";
import { connect } from "node:net";

/** A call whose request has not arrived whole. Leaving its scope ends its connection. */
export interface HalfSentCall extends AsyncDisposable {
  /** Resolves with what was received, once the connection has ended. */
  readonly closed: Promise<string>;
  /** Sends the rest of the request. */
  readonly finish: () => void;
}

const BODY = '{"count":1}';
const HALF = 5;

/** Begins a call and stops in the middle of its body, once the server has read the head. */
export async function halfSentCall(address: string): Promise<HalfSentCall> {
  const { hostname, port } = new URL(`http://${address}`);
  const socket = connect({ host: hostname, port: Number(port) });
  let received = "";
  socket.on("data", (data) => received += data);
  socket.on("error", () => {});
  const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(received)));
  const head = [
    "POST /tsoracle.v1.TsoService/GetTs HTTP/1.1",
    `host: ${address}`,
    "content-type: application/json",
    `content-length: ${BODY.length}`,
    "expect: 100-continue",
  ].join("\r\n");
  socket.write(`${head}\r\n\r\n${BODY.slice(0, HALF)}`);
  // The interim answer says that the server has read the head and waits for the rest.
  await once(socket, "data");
  const dispose = async () => {
    socket.destroy();
    await closed;
  };
  return {
    closed,
    finish: () => socket.write(BODY.slice(HALF)),
    [Symbol.asyncDispose]: dispose,
  };
}
