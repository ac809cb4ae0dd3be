// SPDX-License-Identifier: Apache-2.0

import { ConnectionFault, ERROR_CODE } from "./error_code.ts";
import type { Frame } from "./frames/frame_reader.ts";
import { readUint32 } from "./frames/frame_reader.ts";
import { DEFAULT_MAX_PAYLOAD_BYTES } from "./frames/frame_type.ts";
import { DEFAULT_TABLE_BYTES } from "./hpack/hpack_decoder.ts";

/** Identifiers of settings (RFC 9113, 6.5.2). */
export const SETTING = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
} as const;

/** Flow-control window where nothing else was agreed on, in bytes. */
export const DEFAULT_WINDOW_BYTES = 65_535;

/** Largest flow-control window, in bytes. */
export const MAX_WINDOW_BYTES = 0x7fff_ffff;

const MAX_PAYLOAD_BYTES = 0xff_ffff;

/** What the peer has asked for, as far as this side acts on it. */
export class PeerSettings {
  #initialWindowBytes = DEFAULT_WINDOW_BYTES;
  #maxPayloadBytes = DEFAULT_MAX_PAYLOAD_BYTES;
  #maxConcurrentStreams = Infinity;
  #tableBytes = DEFAULT_TABLE_BYTES;
  readonly #mayEnablePush: boolean;

  /** Makes what holds before the peer has asked for anything. A client may enable push, a server may not. */
  constructor(mayEnablePush: boolean) {
    this.#mayEnablePush = mayEnablePush;
  }

  /** The window of a new stream towards the peer, in bytes. */
  get initialWindowBytes(): number {
    return this.#initialWindowBytes;
  }

  /** Largest payload of a frame towards the peer, in bytes. */
  get maxPayloadBytes(): number {
    return this.#maxPayloadBytes;
  }

  /** How many streams this side may have open, if it is the one to open them. */
  get maxConcurrentStreams(): number {
    return this.#maxConcurrentStreams;
  }

  /**
   * The smallest that the peer has ever allowed of the table that this side compresses its header blocks with, in
   * bytes: what fell out of it then does not come back with a larger one (RFC 7541, 4.2).
   */
  get tableBytes(): number {
    return this.#tableBytes;
  }

  /**
   * Takes over the values of a SETTINGS frame, in their order. Unknown ones mean nothing.
   *
   * @throws {ConnectionFault} if a value is out of its range (RFC 9113, 6.5.2)
   */
  apply(frame: Frame): void {
    const { bytes, start, end } = frame;
    for (let at = start; at < end; at += 6) {
      const id = (bytes[at] as number) << 8 | (bytes[at + 1] as number);
      this.#set(id, readUint32(bytes, at + 2));
    }
  }

  #set(id: number, value: number): void {
    const { protocolError, flowControlError } = ERROR_CODE;
    if (id === SETTING.headerTableSize) {
      this.#tableBytes = Math.min(this.#tableBytes, value);
    } else if (id === SETTING.enablePush) {
      check(
        value <= (this.#mayEnablePush ? 1 : 0),
        protocolError,
        `SETTINGS_ENABLE_PUSH of ${value}`,
      );
    } else if (id === SETTING.maxConcurrentStreams) {
      this.#maxConcurrentStreams = value;
    } else if (id === SETTING.initialWindowSize) {
      const text = `SETTINGS_INITIAL_WINDOW_SIZE of ${value}`;
      check(value <= MAX_WINDOW_BYTES, flowControlError, text);
      this.#initialWindowBytes = value;
    } else if (id === SETTING.maxFrameSize) {
      const isInRange = value >= DEFAULT_MAX_PAYLOAD_BYTES && value <= MAX_PAYLOAD_BYTES;
      check(isInRange, protocolError, `SETTINGS_MAX_FRAME_SIZE of ${value}`);
      this.#maxPayloadBytes = value;
    }
  }
}

function check(isRight: boolean, code: number, text: string): void {
  if (!isRight) throw new ConnectionFault(code, text);
}
