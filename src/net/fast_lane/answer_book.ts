// SPDX-License-Identifier: Apache-2.0

import type { Grant } from "../../core/allocator.ts";
import { AnswerFrames } from "../../http2/frames/answer_frames.ts";
import type { HeaderField } from "../../http2/hpack/header_field.ts";
import { encodeBlock } from "../../http2/hpack/hpack_encoder.ts";
import type { DateStamp } from "../date_stamp.ts";
import type { FastProtocol } from "./fast_route.ts";
import { GetTsResponseWriter, GRPC_PREFIX_BYTES } from "./get_ts_wire.ts";

const GRPC_TRAILERS = encodeBlock([{ name: "grpc-status", value: "0" }]);

/**
 * The answers of all fast lanes of a server. Their frames are the same on every connection, so that one that is new, or
 * that says little, does not pay for making them.
 */
export class AnswerBook implements Readonly<Record<FastProtocol, FastAnswers>> {
  /** Dates the answers. */
  readonly dates: DateStamp;
  /** Those of gRPC. */
  readonly grpc: FastAnswers = new FastAnswers(GRPC_PREFIX_BYTES, grpcFrames);
  /** Those of Connect. */
  readonly connect: FastAnswers = new FastAnswers(0, connectFrames);

  /** Makes a book without answers. */
  constructor(dates: DateStamp) {
    this.dates = dates;
  }
}

/** The answers of one protocol. */
export class FastAnswers {
  /** Length of what stands before a message in bytes. */
  readonly prefixBytes: number;
  readonly #makeFrames: (messageBytes: number, date: HeaderField) => AnswerFrames;
  readonly #writer = new GetTsResponseWriter();
  /** By the length of the message, of which there are few; all of the same date. */
  #frames: AnswerFrames[] = [];
  #date: HeaderField | undefined;

  /** Takes what is known of the protocol. */
  constructor(
    prefixBytes: number,
    makeFrames: (messageBytes: number, date: HeaderField) => AnswerFrames,
  ) {
    this.prefixBytes = prefixBytes;
    this.#makeFrames = makeFrames;
  }

  /** The answer with a grant. It is overwritten by the next one. */
  make(grant: Grant, date: HeaderField): AnswerFrames {
    const frames = this.#framesFor(this.#writer.lengthOf(grant), date);
    this.#writer.write(grant, frames.bytes, frames.bodyStart + this.prefixBytes);
    return frames;
  }

  #framesFor(messageBytes: number, date: HeaderField): AnswerFrames {
    if (date !== this.#date) {
      this.#date = date;
      this.#frames = [];
    }
    return this.#frames[messageBytes] ??= this.#makeFrames(messageBytes, date);
  }
}

function grpcFrames(messageBytes: number, date: HeaderField): AnswerFrames {
  const head = encodeBlock([
    { name: ":status", value: "200" },
    { name: "content-type", value: "application/grpc+proto" },
    date,
  ]);
  const bodyBytes = GRPC_PREFIX_BYTES + messageBytes;
  const frames = new AnswerFrames({ head, bodyBytes, trailers: GRPC_TRAILERS });
  frames.bytes[frames.bodyStart + GRPC_PREFIX_BYTES - 1] = messageBytes;
  return frames;
}

function connectFrames(messageBytes: number, date: HeaderField): AnswerFrames {
  const head = encodeBlock([
    { name: ":status", value: "200" },
    { name: "content-type", value: "application/proto" },
    { name: "content-length", value: String(messageBytes) },
    date,
  ]);
  return new AnswerFrames({ head, bodyBytes: messageBytes });
}
