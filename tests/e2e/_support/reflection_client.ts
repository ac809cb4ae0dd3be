// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import type { Client, ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import type { MethodDefinition, PackageDefinition } from "@grpc/proto-loader";
import type { GrpcJs } from "./grpc_js.ts";
import { loadGrpcJs } from "./grpc_js.ts";

/** The versions of the protocol. */
export type ReflectionVersion = "v1" | "v1alpha";

/** A question, in camel case. */
export type ReflectionQuestion = Readonly<Record<string, unknown>>;

/** An answer, in camel case. */
export interface ReflectionAnswer {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly ArrayLike<number>[] };
  readonly allExtensionNumbersResponse?: { readonly baseTypeName: string };
  readonly errorResponse?: { readonly errorCode: number; readonly errorMessage: string };
}

type Method = MethodDefinition<object, object>;

/** A reflection client with nothing of ours: grpc-js, and the schema that gRPC publishes for Node. */
export class ReflectionClient implements Disposable {
  readonly #client: Client;
  readonly #method: Method;
  readonly #stream: ClientDuplexStream<object, ReflectionAnswer>;
  readonly #answers: AsyncIterator<ReflectionAnswer>;

  private constructor(grpc: GrpcJs, method: Method, address: string) {
    this.#method = method;
    this.#client = new grpc.Client(address, grpc.credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
    this.#stream = this.#client.makeBidiStreamRequest<object, ReflectionAnswer>(
      this.#method.path,
      this.#method.requestSerialize,
      (bytes) => this.#method.responseDeserialize(bytes),
    );
    this.#answers = this.#stream[Symbol.asyncIterator]();
  }

  /** Loads the packages and opens a stream to `host:port`. */
  static async connect(version: ReflectionVersion, address: string): Promise<ReflectionClient> {
    return new ReflectionClient(await loadGrpcJs(), await publishedMethod(version), address);
  }

  /** Asks on the open stream, and waits for the answer. */
  async ask(question: ReflectionQuestion): Promise<ReflectionAnswer> {
    this.#stream.write(question);
    const { done, value } = await this.#answers.next();
    if (done) throw new Error("the stream ended");
    return value;
  }

  /** What the stream ends with, while this side is open. */
  async end(): Promise<ServiceError | undefined> {
    return await this.#answers.next().then(() => undefined, (error: ServiceError) => error);
  }

  /** Makes the definition of a package from nothing but what the server tells. */
  async load(symbol: string): Promise<PackageDefinition> {
    const { fileDescriptorResponse } = await this.ask({ fileContainingSymbol: symbol });
    const files = fileDescriptorResponse?.fileDescriptorProto ?? [];
    const { loadFileDescriptorSetFromBuffer } = await import("@grpc/proto-loader");
    return loadFileDescriptorSetFromBuffer(fileDescriptorSet(files));
  }

  /** Half-closes, waits for the server to do the same, and closes the channel. */
  async finish(): Promise<boolean | undefined> {
    this.#stream.end();
    const { done } = await this.#answers.next();
    return done;
  }

  [Symbol.dispose](): void {
    this.#stream.cancel();
    this.#client.close();
  }
}

/** The package serves reflection; asked to mount itself, it gives away its schema. */
async function publishedMethod(version: ReflectionVersion): Promise<Method> {
  const { ReflectionService } = await import("@grpc/reflection");
  const methods: Method[] = [];
  const addService = (service: Record<string, Method>) => methods.push(...Object.values(service));
  new ReflectionService({}).addToServer({ addService } as unknown as Mountable);
  const found = methods.find(({ path }) => path.startsWith(`/grpc.reflection.${version}.`));
  if (found === undefined) throw new Error(`the package knows no ${version}`);
  return found;
}

type Mountable = Parameters<
  InstanceType<typeof import("@grpc/reflection").ReflectionService>["addToServer"]
>[0];

/** `google.protobuf.FileDescriptorSet` has one field: the files. */
function fileDescriptorSet(files: readonly ArrayLike<number>[]): Buffer {
  return Buffer.concat(
    files.flatMap((file) => [fieldHead(1, file.length), Uint8Array.from(file)]),
  );
}

function fieldHead(number: number, length: number): Buffer {
  const bytes = [number << 3 | 2];
  let rest = length;
  for (; rest >= 0x80; rest >>>= 7) bytes.push(rest & 0x7f | 0x80);
  return Buffer.from([...bytes, rest]);
}
