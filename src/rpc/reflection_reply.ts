// SPDX-License-Identifier: Apache-2.0

import type { DescFile, MessageInitShape } from "@bufbuild/protobuf";
import { toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import type {
  ServerReflectionRequest,
  ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "../gen/grpc/reflection/v1/reflection_pb.ts";
import type { ReflectionIndex } from "./reflection_index.ts";

/** The answer to a question, as what Connect makes a message of; of either version, as their fields agree. */
export type ReflectionReply = MessageInitShape<typeof ServerReflectionResponseSchema>;
type Body = NonNullable<Exclude<ReflectionReply, ServerReflectionResponse>["messageResponse"]>;

/**
 * Answers a question of server reflection. One that has no answer gets an error, and the stream goes on.
 *
 * @param sent the files that went out on the stream; those that go out now are added
 */
export function replyTo(
  question: ServerReflectionRequest,
  index: ReflectionIndex,
  sent: Set<DescFile>,
): ReflectionReply {
  return {
    validHost: question.host,
    originalRequest: question,
    messageResponse: bodyFor(question.messageRequest, index, sent),
  };
}

function bodyFor(
  asked: ServerReflectionRequest["messageRequest"],
  index: ReflectionIndex,
  sent: Set<DescFile>,
): Body {
  switch (asked.case) {
    case "listServices":
      return {
        case: "listServicesResponse",
        value: { service: index.services.map((name) => ({ name })) },
      };
    case "fileByFilename":
      return files(index.fileNamed(asked.value), sent) ?? unknown("file", asked.value);
    case "fileContainingSymbol":
      return files(index.fileDeclaring(asked.value), sent) ?? unknown("symbol", asked.value);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = asked.value;
      return files(index.fileExtending(containingType, extensionNumber), sent) ??
        unknown("extension", `${containingType} ${extensionNumber}`);
    }
    case "allExtensionNumbersOfType":
      return extensions(asked.value, index) ?? unknown("message", asked.value);
    case undefined:
      return failure(Code.InvalidArgument, "Cannot answer a request that asks nothing");
  }
}

/** The file that was asked for is sent each time; what it imports, once on a stream. */
function files(file: DescFile | undefined, sent: Set<DescFile>): Body | undefined {
  if (file === undefined) return undefined;
  sent.add(file);
  const wanted = [file, ...unsentImports(file, sent)];
  const fileDescriptorProto = wanted.map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function unsentImports(file: DescFile, sent: Set<DescFile>): readonly DescFile[] {
  return file.dependencies.flatMap((imported) => {
    if (sent.has(imported)) return [];
    sent.add(imported);
    return [imported, ...unsentImports(imported, sent)];
  });
}

function extensions(typeName: string, index: ReflectionIndex): Body | undefined {
  const numbers = index.extensionsOf(typeName);
  if (numbers === undefined) return undefined;
  return {
    case: "allExtensionNumbersResponse",
    value: { baseTypeName: typeName, extensionNumber: [...numbers] },
  };
}

function unknown(kind: string, name: string): Body {
  return failure(
    Code.NotFound,
    `Cannot find ${kind} ${JSON.stringify(name)}: list_services tells what there is`,
  );
}

function failure(errorCode: Code, errorMessage: string): Body {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}
