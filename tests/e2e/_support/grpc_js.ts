// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import type { ChannelCredentials, ChannelOptions, Client, ServiceError } from "@grpc/grpc-js";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import {
  GetCurrentMaxSafeRequestSchema,
  GetCurrentMaxSafeResponseSchema,
  GetTsRequestSchema,
  GetTsResponseSchema,
} from "../../../src/gen/tsoracle/v1/tso_pb.ts";
import type {
  GetCurrentMaxSafeResponse,
  GetTsResponse,
} from "../../../src/gen/tsoracle/v1/tso_pb.ts";
import { makeCertificates } from "../../_support/certs.ts";
import { decode, encode, GET_MAX_SAFE, GET_TS } from "./grpc_wire.ts";

/** The package reads the environment when it is loaded, so it is loaded by the tests that may. */
export type GrpcJs = typeof import("@grpc/grpc-js");

/** Loads the package. */
export function loadGrpcJs(): Promise<GrpcJs> {
  return import("@grpc/grpc-js");
}

/** Options of one call. */
export interface CallOptions {
  /** How long it may take, in milliseconds. */
  readonly timeoutMs?: number;
  /** Cancels it. */
  readonly signal?: AbortSignal;
  /** Whether it waits for a connection instead of failing without one. */
  readonly waitForReady?: boolean;
}

/** Options of {@linkcode GrpcJsClient}. */
export interface GrpcJsClientOptions {
  /** Plaintext if absent. */
  readonly credentials?: ChannelCredentials;
  /** Options of the channel. */
  readonly channel?: ChannelOptions;
}

/** A client of the most used gRPC package for Node, with nothing of ours but the message schemas. */
export class GrpcJsClient implements Disposable {
  readonly #grpc: GrpcJs;
  readonly #client: Client;

  /** Makes a channel to `host:port`. */
  constructor(grpc: GrpcJs, address: string, options: GrpcJsClientOptions = {}) {
    const { credentials = grpc.credentials.createInsecure(), channel = {} } = options;
    this.#grpc = grpc;
    this.#client = new grpc.Client(address, credentials, {
      // Otherwise clients of one address share a connection also across tests.
      "grpc.use_local_subchannel_pool": 1,
      // The name to look for in the certificate: Deno's TLS takes no address for it.
      "grpc.ssl_target_name_override": "localhost",
      ...channel,
    });
  }

  /** GetTs. */
  getTs(count: number, options: CallOptions = {}): Promise<GetTsResponse> {
    return this.#call(GET_TS_METHOD, { count }, options);
  }

  /** GetCurrentMaxSafe. */
  getCurrentMaxSafe(options: CallOptions = {}): Promise<GetCurrentMaxSafeResponse> {
    return this.#call(MAX_SAFE_METHOD, {}, options);
  }

  /** Closes the channel. */
  [Symbol.dispose](): void {
    this.#client.close();
  }

  #call<I extends DescMessage, O extends DescMessage>(
    { path, input, output }: Method<I, O>,
    request: MessageInitShape<I>,
    { timeoutMs = 20_000, signal, waitForReady = false }: CallOptions,
  ): Promise<MessageShape<O>> {
    const { promise, resolve, reject } = Promise.withResolvers<MessageShape<O>>();
    const call = this.#client.makeUnaryRequest<MessageInitShape<I>, MessageShape<O>>(
      path,
      (message) => Buffer.from(encode(input, message)),
      (bytes) => decode(output, bytes),
      request,
      new this.#grpc.Metadata({ waitForReady }),
      { deadline: Date.now() + timeoutMs },
      (error, response) => {
        signal?.removeEventListener("abort", cancel);
        if (response === undefined) reject(error);
        else resolve(response);
      },
    );
    const cancel = () => call.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    return promise;
  }
}

interface Method<I extends DescMessage, O extends DescMessage> {
  readonly path: string;
  readonly input: I;
  readonly output: O;
}

const GET_TS_METHOD = { path: GET_TS, input: GetTsRequestSchema, output: GetTsResponseSchema };
const MAX_SAFE_METHOD = {
  path: GET_MAX_SAFE,
  input: GetCurrentMaxSafeRequestSchema,
  output: GetCurrentMaxSafeResponseSchema,
};

/** The error of a call that must fail. */
export async function failure(call: Promise<unknown>): Promise<ServiceError> {
  const outcome = await call.then((answer) => ({ answer }), (error: ServiceError) => error);
  assert.ok(outcome instanceof Error, `the call succeeded: ${Deno.inspect(outcome)}`);
  return outcome;
}

/** Credentials that trust the authority of the tests and show one of their certificates, or none. */
export async function tlsCredentials(
  grpc: GrpcJs,
  role?: "client" | "stranger",
): Promise<ChannelCredentials> {
  const made = await makeCertificates();
  const ca = Buffer.from(made.caPem);
  if (role === undefined) return grpc.credentials.createSsl(ca);
  const { keyPem, certPem } = made[role];
  return grpc.credentials.createSsl(ca, Buffer.from(keyPem), Buffer.from(certPem));
}
