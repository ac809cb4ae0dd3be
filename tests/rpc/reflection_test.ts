// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { DescFile, MessageInitShape } from "@bufbuild/protobuf";
import { create, createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, createClient, createRouterTransport } from "@connectrpc/connect";
import { deferred } from "../../src/core/deferred.ts";
import { file_grpc_health_v1_health } from "../../src/gen/grpc/health/v1/health_pb.ts";
import {
  file_grpc_reflection_v1_reflection,
  ServerReflection,
  ServerReflectionRequestSchema,
} from "../../src/gen/grpc/reflection/v1/reflection_pb.ts";
import type {
  ServerReflectionRequest,
  ServerReflectionResponse,
} from "../../src/gen/grpc/reflection/v1/reflection_pb.ts";
import {
  file_grpc_reflection_v1alpha_reflection,
  ServerReflection as AlphaReflection,
} from "../../src/gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { file_tsoracle_v1_tso, TsoService } from "../../src/gen/tsoracle/v1/tso_pb.ts";
import { createFetchHandler } from "../../src/rpc/fetch_handler.ts";
import { reflectionRoutes } from "../../src/rpc/reflection.ts";
import type { ReflectionOptions } from "../../src/rpc/reflection.ts";
import { fakeSource } from "./_support/fake_source.ts";

type Question = ServerReflectionRequest["messageRequest"];
type Answer = ServerReflectionResponse["messageResponse"];

const NAMES = [
  "grpc.health.v1.Health",
  "grpc.reflection.v1.ServerReflection",
  "grpc.reflection.v1alpha.ServerReflection",
  "tsoracle.v1.TsoService",
];

/** Asks all questions on one stream. */
async function ask(questions: readonly Question[], options: ReflectionOptions = {}) {
  const client = createClient(ServerReflection, createRouterTransport(reflectionRoutes(options)));
  const answers: ServerReflectionResponse[] = [];
  for await (const answer of client.serverReflectionInfo(requests(questions))) answers.push(answer);
  return answers.map(({ messageResponse }) => messageResponse);
}

async function* requests(
  questions: readonly Question[],
): AsyncGenerator<MessageInitShape<typeof ServerReflectionRequestSchema>> {
  for (const messageRequest of questions) {
    yield create(ServerReflectionRequestSchema, { host: "h", messageRequest });
  }
}

function symbol(value: string): Question {
  return { case: "fileContainingSymbol", value };
}

/** The files of an answer. */
function filesOf(answer: Answer | undefined): readonly FileDescriptorProto[] {
  assert(answer?.case === "fileDescriptorResponse", Deno.inspect(answer));
  return answer.value.fileDescriptorProto.map((bytes) =>
    fromBinary(FileDescriptorProtoSchema, bytes)
  );
}

Deno.test("reflectionRoutes() lists all services, reflection too", async () => {
  const [answer] = await ask([{ case: "listServices", value: "*" }]);
  assert(answer?.case === "listServicesResponse");
  assert.deepEqual(answer.value.service.map(({ name }) => name), NAMES);
});

const FILES: readonly DescFile[] = [
  file_tsoracle_v1_tso,
  file_grpc_health_v1_health,
  file_grpc_reflection_v1_reflection,
  file_grpc_reflection_v1alpha_reflection,
];

for (const file of FILES) {
  Deno.test(`reflectionRoutes() finds ${file.proto.name}, whole`, async () => {
    const [answer] = await ask([{ case: "fileByFilename", value: file.proto.name }]);
    const [found, ...rest] = filesOf(answer);
    assert.deepEqual(rest, []);
    assert.deepEqual(found, file.proto);
    const set = create(FileDescriptorSetSchema, { file: filesOf(answer) as FileDescriptorProto[] });
    assert.ok(createFileRegistry(set).getService(file.services[0]?.typeName ?? ""));
  });
}

const SYMBOLS = [
  ["a service", "tsoracle.v1.TsoService", "tsoracle/v1/tso.proto"],
  ["a method", "tsoracle.v1.TsoService.GetTs", "tsoracle/v1/tso.proto"],
  ["a message", "tsoracle.v1.LeaderHint", "tsoracle/v1/tso.proto"],
  ["a field", "tsoracle.v1.LeaderHint.leader_epoch", "tsoracle/v1/tso.proto"],
  [
    "a oneof",
    "grpc.reflection.v1.ServerReflectionRequest.message_request",
    "grpc/reflection/v1/reflection.proto",
  ],
  [
    "a nested enum",
    "grpc.health.v1.HealthCheckResponse.ServingStatus",
    "grpc/health/v1/health.proto",
  ],
  ["a value of it", "grpc.health.v1.HealthCheckResponse.SERVING", "grpc/health/v1/health.proto"],
  [
    "itself under its first name",
    "grpc.reflection.v1alpha.ServerReflection",
    "grpc/reflection/v1alpha/reflection.proto",
  ],
] as const;

for (const [kind, name, file] of SYMBOLS) {
  Deno.test(`reflectionRoutes() finds the file of ${kind}`, async () => {
    const [answer] = await ask([symbol(name)]);
    assert.equal(filesOf(answer)[0]?.name, file);
  });
}

const UNKNOWN: readonly (readonly [string, Question])[] = [
  ["file", { case: "fileByFilename", value: "nope.proto" }],
  ["symbol", symbol("tsoracle.v1.Nope")],
  ["symbol", symbol("")],
  ["message", { case: "allExtensionNumbersOfType", value: "tsoracle.v1.TsoService" }],
  ["extension", {
    case: "fileContainingExtension",
    value: {
      $typeName: "grpc.reflection.v1.ExtensionRequest",
      containingType: "tsoracle.v1.GetTsRequest",
      extensionNumber: 100,
    },
  }],
];

for (const [kind, question] of UNKNOWN) {
  const what = typeof question.value === "string" ? ` "${question.value}"` : "";
  Deno.test(`reflectionRoutes() says NOT_FOUND for the ${kind}${what}, and goes on`, async () => {
    const [unknown, known] = await ask([question, symbol("tsoracle.v1.TsoService")]);
    assert(unknown?.case === "errorResponse");
    assert.equal(unknown.value.errorCode, Code.NotFound);
    assert.match(
      unknown.value.errorMessage,
      new RegExp(`^Cannot find ${kind} ".*": list_services`),
    );
    assert.equal(known?.case, "fileDescriptorResponse");
  });
}

Deno.test("reflectionRoutes() knows that no message of ours is extended", async () => {
  const [answer] = await ask([
    { case: "allExtensionNumbersOfType", value: "tsoracle.v1.GetTsRequest" },
  ]);
  assert(answer?.case === "allExtensionNumbersResponse");
  assert.equal(answer.value.baseTypeName, "tsoracle.v1.GetTsRequest");
  assert.deepEqual(answer.value.extensionNumber, []);
});

Deno.test("reflectionRoutes() says INVALID_ARGUMENT to a request that asks nothing", async () => {
  const [answer] = await ask([{ case: undefined }]);
  assert(answer?.case === "errorResponse");
  assert.equal(answer.value.errorCode, Code.InvalidArgument);
});

Deno.test("reflectionRoutes() sends the question back with its answer, in both versions", async () => {
  const transport = createRouterTransport(reflectionRoutes());
  const question = { host: "h", messageRequest: symbol("tsoracle.v1.TsoService") };
  let answered = 0;
  for (const service of [ServerReflection, AlphaReflection]) {
    const stream = createClient(service, transport).serverReflectionInfo(
      (async function* () {
        yield question;
      })(),
    );
    for await (const { validHost, originalRequest, messageResponse } of stream) {
      assert.equal(validHost, "h");
      assert.deepEqual(originalRequest?.messageRequest, question.messageRequest);
      assert.equal(messageResponse.case, "fileDescriptorResponse");
      answered += 1;
    }
  }
  assert.equal(answered, 2);
});

Deno.test("reflectionRoutes() describes other services, with what they import", async () => {
  const services = [importing(TsoService.file)];
  const questions = [symbol("made.up.Service"), symbol("made.up.Service")];
  const [first, second, list] = await ask([...questions, { case: "listServices", value: "" }], {
    services,
  });
  assert.deepEqual(filesOf(first).map(({ name }) => name), [
    "made/up.proto",
    "tsoracle/v1/tso.proto",
  ]);
  assert.deepEqual(filesOf(second).map(({ name }) => name), ["made/up.proto"]);
  assert(list?.case === "listServicesResponse");
  assert.deepEqual(
    list.value.service.map(({ name }) => name),
    [...NAMES, "made.up.Service"].sort(),
  );
});

Deno.test("reflectionRoutes() finds extensions by their number", async () => {
  const options = { services: [extended()] };
  const value = {
    $typeName: "grpc.reflection.v1.ExtensionRequest",
    containingType: "made.up.Open",
    extensionNumber: 101,
  } as const;
  const [numbers, file, none] = await ask([
    { case: "allExtensionNumbersOfType", value: "made.up.Open" },
    { case: "fileContainingExtension", value },
    { case: "fileContainingExtension", value: { ...value, extensionNumber: 102 } },
  ], options);
  assert(numbers?.case === "allExtensionNumbersResponse");
  assert.deepEqual(numbers.value.extensionNumber, [100, 101]);
  assert.equal(filesOf(file)[0]?.name, "made/up.proto");
  assert.equal(none?.case, "errorResponse");
});

Deno.test("reflectionRoutes() ends a stream that its client keeps open when the server drains", async () => {
  const drain = new AbortController();
  const client = createClient(
    ServerReflection,
    createRouterTransport(reflectionRoutes({ drainSignal: drain.signal })),
  );
  const quiet = deferred<never>();
  const answers = client.serverReflectionInfo(
    (async function* () {
      yield { messageRequest: symbol("tsoracle.v1.TsoService") };
      yield await quiet.promise;
    })(),
  )[Symbol.asyncIterator]();
  assert.equal((await answers.next()).value?.messageResponse.case, "fileDescriptorResponse");
  drain.abort();
  await assert.rejects(answers.next(), { code: Code.Unavailable });
  quiet.reject(new Error("over"));
});

Deno.test("createFetchHandler() answers reflection over Connect, where requests come at once", async () => {
  const handle = createFetchHandler(fakeSource());
  const question = JSON.stringify({ listServices: "" });
  const body = new Uint8Array([0, 0, 0, 0, question.length, ...new TextEncoder().encode(question)]);
  const response = await handle(
    new Request("http://oracle.test/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", {
      method: "POST",
      headers: { "content-type": "application/connect+json" },
      body,
    }),
  );
  const text = new TextDecoder().decode(await response.arrayBuffer());
  for (const name of NAMES) assert.ok(text.includes(`{"name":"${name}"}`), text);
});

Deno.test("createFetchHandler() names the content types of a stream", async () => {
  const response = await createFetchHandler(fakeSource())(
    new Request("http://oracle.test/grpc.health.v1.Health/Watch", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    }),
  );
  assert.equal(response.status, 415);
  assert.match(await response.text(), /use application\/connect\+json, /);
});

Deno.test("createFetchHandler() names the methods of the service that was meant", async () => {
  const handle = createFetchHandler(fakeSource());
  const response = await handle(new Request("http://oracle.test/grpc.health.v1.Health/List"));
  assert.equal(
    await response.text(),
    "Cannot find /grpc.health.v1.Health/List: " +
      "call /grpc.health.v1.Health/Check or /grpc.health.v1.Health/Watch\n",
  );
});

/** A service whose file imports another. */
function importing(file: DescFile) {
  return serviceOf({ dependency: [file.proto.name] }, file);
}

/** A service in a file with a message that is extended twice. */
function extended() {
  const extension = (number: number) => ({
    name: `x${number}`,
    number,
    extendee: ".made.up.Open",
    type: 5,
    label: 1,
  } as const);
  return serviceOf({
    syntax: "proto2",
    messageType: [{ name: "Open", extensionRange: [{ start: 100, end: 200 }] }],
    extension: [extension(101), extension(100)],
  });
}

function serviceOf(
  init: MessageInitShape<typeof FileDescriptorProtoSchema>,
  imported?: DescFile,
) {
  const proto = create(FileDescriptorProtoSchema, {
    name: "made/up.proto",
    package: "made.up",
    syntax: "proto3",
    service: [{ name: "Service" }],
    ...init,
  });
  const service = createFileRegistry(proto, () => imported).getService("made.up.Service");
  assert(service !== undefined);
  return service;
}
