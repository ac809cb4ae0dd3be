// SPDX-License-Identifier: Apache-2.0

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";

/**
 * Encodes a message.
 *
 * @throws {ConnectError} INTERNAL if it cannot be
 */
export function serialize<I extends DescMessage>(
  schema: I,
  input: MessageInitShape<I>,
): Uint8Array {
  try {
    return toBinary(schema, create(schema, input));
  } catch (error) {
    throw new ConnectError(`serialize binary: ${textOf(error)}`, Code.Internal);
  }
}

/**
 * Decodes a message.
 *
 * @throws {ConnectError} INTERNAL if it cannot be
 */
export function parse<O extends DescMessage>(schema: O, bytes: Uint8Array): MessageShape<O> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw new ConnectError(`parse binary: ${textOf(error)}`, Code.Internal);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
