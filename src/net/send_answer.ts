// SPDX-License-Identifier: Apache-2.0

import type { Answer } from "../rpc/answer.ts";
import { respellGrpcMessage } from "../rpc/grpc_message.ts";

/** Options of {@linkcode sendAnswer}. */
export interface SendOptions {
  /** Fires when the client has gone; then the promise rejects. */
  readonly signal: AbortSignal;
  /**
   * Asked just before each part is written: whether this answer is the one for the request. Another may
   * have come first while this one's body was being made.
   */
  readonly claim: () => boolean;
}

/**
 * What became of an answer: written; not written, as another one was chosen; or not written, as it does not hold any
 * more.
 */
export type SendOutcome = "sent" | "passed-over" | "stale";

/** Where the parts of an answer are written. */
export interface AnswerWriter {
  /** Whether the head has been written. */
  readonly hasBegun: boolean;

  /** Writes the head, if it was not written yet. */
  writeHead(answer: Answer): void;

  /** Writes a part of the body. Resolves when the next one may be written; rejects when the client has gone. */
  write(chunk: Uint8Array, signal: AbortSignal): Promise<void>;

  /** Writes the last part, if there is one, and the trailers. */
  end(last: Uint8Array | undefined, trailers: Headers | undefined): void;
}

/**
 * Writes an answer. The last part of the body goes out together with the end, so that a small answer is one
 * write. The parts of a stream go out as they come: the next may be hours away.
 */
export async function sendAnswer(
  writer: AnswerWriter,
  answer: Answer,
  options: SendOptions,
): Promise<SendOutcome> {
  const { signal, claim } = options;
  const { isStream = false, trailer } = answer;
  let held: Uint8Array | undefined;
  for await (const chunk of answer.body ?? []) {
    const due = isStream ? chunk : held;
    if (due !== undefined) {
      if (isStale(writer, answer)) return "stale";
      if (!claim()) return "passed-over";
      signal.throwIfAborted();
      writer.writeHead(answer);
      await writer.write(due, signal);
    }
    if (!isStream) held = chunk;
  }
  signal.throwIfAborted();
  if (isStale(writer, answer)) return "stale";
  if (!claim()) return "passed-over";
  writer.writeHead(answer);
  if (trailer !== undefined) respellGrpcMessage(trailer);
  writer.end(held, trailer);
  return "sent";
}

/** Looked at as late as can be: the head leaves in the same turn, and nothing is taken back after it. */
function isStale(writer: AnswerWriter, { lateCheck }: Answer): boolean {
  return lateCheck !== undefined && !writer.hasBegun && !lateCheck.holds();
}
