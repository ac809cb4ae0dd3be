// SPDX-License-Identifier: Apache-2.0

import type { Frame } from "./frames/frame_reader.ts";
import { readUint32 } from "./frames/frame_reader.ts";
import type { Output } from "./output.ts";

/** The PING frames that this side has sent and the peer has not answered yet. */
export class Pings {
  readonly #output: Output;
  readonly #waiting = new Map<number, () => void>();
  #next = 1;

  /** Makes an account without a PING. */
  constructor(output: Output) {
    this.#output = output;
  }

  /** Sends a PING; `onAck` is called if the peer answers it. */
  send(onAck: () => void): void {
    const payload = new Uint8Array(8);
    new DataView(payload.buffer).setUint32(4, this.#next);
    this.#waiting.set(this.#next, onAck);
    this.#next += 1;
    this.#output.frames.ping(payload, 0, 0);
    this.#output.schedule();
  }

  /** Takes an answer. Returns whether it was to a PING that was sent; another means nothing. */
  onAck({ bytes, start }: Frame): boolean {
    if (readUint32(bytes, start) !== 0) return false;
    const number = readUint32(bytes, start + 4);
    const onAck = this.#waiting.get(number);
    if (onAck === undefined) return false;
    this.#waiting.delete(number);
    onAck();
    return true;
  }
}
