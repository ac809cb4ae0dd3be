// SPDX-License-Identifier: Apache-2.0

const KEY = "grpc-message";

/**
 * Spells a sentence for `grpc-message`: printable ASCII stays, but for the percent sign; the UTF-8 bytes of
 * everything else are percent-encoded (gRPC over HTTP/2, "Status-Message").
 */
export function encodeGrpcMessage(text: string): string {
  return text.replace(/[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent);
}

/**
 * Spells the message of a gRPC status anew. Connect encodes every reserved character, and the gRPC client
 * for Node decodes fewer than that: its users would read `count must be >%3D 1`.
 */
export function respellGrpcMessage(status: Headers): void {
  const text = status.get(KEY);
  if (text !== null) status.set(KEY, encodeGrpcMessage(decodeURIComponent(text)));
}
