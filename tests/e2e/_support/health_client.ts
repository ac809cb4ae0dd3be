// SPDX-License-Identifier: Apache-2.0

import type { Client, ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import type { MethodDefinition } from "@grpc/proto-loader";
import { until } from "../../net/_support/until.ts";
import type { GrpcJs } from "./grpc_js.ts";
import { loadGrpcJs } from "./grpc_js.ts";

/** A watch of the health of a service. */
export class HealthWatch {
  /** The statuses that came, in their order. */
  readonly said: string[] = [];
  /** How the stream ended. */
  readonly end: Promise<ServiceError>;
  readonly #stream: ClientReadableStream<Status>;

  constructor(stream: ClientReadableStream<Status>) {
    this.#stream = stream;
    stream.on("data", ({ status }: Status) => this.said.push(status));
    this.end = new Promise((resolve) => stream.on("error", resolve));
  }

  /** Waits until so many statuses have come. */
  untilSaid(count: number): Promise<void> {
    return until(`${count} statuses`, () => this.said.length >= count);
  }

  /** Ends the call from this side. */
  async cancel(): Promise<void> {
    this.#stream.cancel();
    await this.end;
  }
}

interface Status {
  readonly status: string;
}

/** A health client with nothing of ours: grpc-js, and the schema that gRPC publishes for Node. */
export class HealthClient implements Disposable {
  readonly #client: Client;
  readonly #check: MethodDefinition<object, object>;
  readonly #watch: MethodDefinition<object, object>;

  private constructor(grpc: GrpcJs, service: Methods, address: string) {
    this.#check = method(service, "Check");
    this.#watch = method(service, "Watch");
    this.#client = new grpc.Client(address, grpc.credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  /** Loads the packages and makes a channel to `host:port`. */
  static async connect(address: string): Promise<HealthClient> {
    const { service } = await import("grpc-health-check");
    return new HealthClient(await loadGrpcJs(), service as unknown as Methods, address);
  }

  /** The status of a service; the server as a whole if it has no name. */
  check(service = ""): Promise<string> {
    const { path, requestSerialize, responseDeserialize } = this.#check;
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        (bytes) => responseDeserialize(bytes) as Status,
        { service },
        (error, response) => response === undefined ? reject(error) : resolve(response.status),
      );
    });
  }

  /** Starts a watch. */
  watch(service = ""): HealthWatch {
    const { path, requestSerialize, responseDeserialize } = this.#watch;
    const decode = (bytes: Uint8Array & Parameters<typeof responseDeserialize>[0]) =>
      responseDeserialize(bytes) as Status;
    const call = this.#client.makeServerStreamRequest(path, requestSerialize, decode, { service });
    return new HealthWatch(call);
  }

  /** Closes the channel. */
  [Symbol.dispose](): void {
    this.#client.close();
  }
}

type Methods = Readonly<Record<string, MethodDefinition<object, object>>>;

function method(service: Methods, name: string): MethodDefinition<object, object> {
  const found = service[name];
  if (found === undefined) throw new Error(`the published schema has no ${name}`);
  return found;
}
