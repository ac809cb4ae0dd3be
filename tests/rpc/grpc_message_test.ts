// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeGrpcMessage, respellGrpcMessage } from "../../src/rpc/grpc_message.ts";

Deno.test("encodeGrpcMessage() keeps printable ASCII but for the percent sign", () => {
  assert.equal(encodeGrpcMessage("count must be >= 1"), "count must be >= 1");
  assert.equal(encodeGrpcMessage("100% \t\u{e9}\u{1f40c}~"), "100%25 %09%C3%A9%F0%9F%90%8C~");
});

Deno.test("encodeGrpcMessage() is undone by percent-decoding, and fits a header", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    const encoded = encodeGrpcMessage(text);
    assert.match(encoded, /^[\x20-\x7e]*$/);
    assert.equal(decodeURIComponent(encoded), text);
  }));
});

Deno.test("respellGrpcMessage() changes the message of a status and nothing else", () => {
  const status = new Headers({ "grpc-status": "3", "grpc-message": "count%20%3E%3D%201%25" });
  respellGrpcMessage(status);
  assert.deepEqual([...status], [["grpc-message", "count >= 1%25"], ["grpc-status", "3"]]);
  const success = new Headers({ "grpc-status": "0" });
  respellGrpcMessage(success);
  assert.deepEqual([...success], [["grpc-status", "0"]]);
});
