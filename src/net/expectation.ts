// SPDX-License-Identifier: Apache-2.0

import { ERROR_CODE } from "../http2/error_code.ts";
import { encodeBlock } from "../http2/hpack/hpack_encoder.ts";
import type { Stream } from "../http2/stream.ts";
import type { DateStamp } from "./date_stamp.ts";

const CONTINUE = encodeBlock([{ name: ":status", value: "100" }]);

/**
 * Answers the `expect` field of a request (RFC 9110, 10.1.1): a client that waits with its body is told to send it, and
 * what nobody can meet is refused.
 *
 * @param dates dates the refusal
 * @returns whether the request goes on
 */
export function meetExpectation(stream: Stream, dates: DateStamp): boolean {
  const expected = stream.head.fields.find(({ name }) => name === "expect")?.value.toLowerCase();
  if (expected === undefined) return true;
  if (expected === "100-continue") {
    stream.inform(CONTINUE);
    return true;
  }
  stream.respond(encodeBlock([{ name: ":status", value: "417" }, dates.field]), true);
  stream.reset(ERROR_CODE.noError);
  return false;
}
