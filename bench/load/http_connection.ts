// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { connect } from "node:net";
import type { Block } from "./block.ts";
import { blockFromBinary, blockFromJson, GET_TS_PATH, readFrames, requestFrame } from "./block.ts";
import type { Connection, ConnectionOptions, Protocol } from "./connection.ts";
import type { HttpResponse } from "./http_response.ts";
import { readResponse } from "./http_response.ts";

type HttpProtocol = Exclude<Protocol, "grpc">;

const CONTENT_TYPES: Readonly<Record<HttpProtocol, string>> = {
  "grpc-web": "application/grpc-web+proto",
  "connect-json": "application/json",
};

/**
 * gRPC-Web or Connect with JSON over one kept-alive HTTP/1.1 connection. It writes to the socket itself,
 * because the client of `node:http` costs more than the server that is to be measured.
 */
export class HttpConnection implements Connection {
  readonly #protocol: HttpProtocol;
  readonly #socket: Socket;
  readonly #request: Buffer;
  #received: Buffer = Buffer.alloc(0);
  #waiting: PromiseWithResolvers<HttpResponse> | undefined;
  #fault: Error | undefined;

  /** Connects. */
  constructor(protocol: HttpProtocol, options: ConnectionOptions) {
    const { port, count } = options;
    this.#protocol = protocol;
    this.#request = requestBytes(protocol, count);
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#socket.on("error", (error: Error) => this.#fail(error));
    this.#socket.on("close", () => this.#fail(new Error("the server ended the connection")));
  }

  /** One call; the next one may begin when it has settled. */
  async call(): Promise<Block> {
    if (this.#fault !== undefined) throw this.#fault;
    this.#waiting = Promise.withResolvers<HttpResponse>();
    this.#socket.write(this.#request);
    const { status, body } = await this.#waiting.promise;
    if (status !== 200) throw new Error(`HTTP ${status}: ${body}`);
    return this.#protocol === "grpc-web" ? blockFromGrpcWeb(body) : blockFromJson(body.toString());
  }

  /** Drops the connection. */
  destroy(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    try {
      const response = readResponse(this.#received);
      if (response === undefined) return;
      this.#received = this.#received.subarray(response.length);
      this.#waiting?.resolve(response);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
      this.#socket.destroy();
    }
  }

  #fail(error: Error): void {
    this.#fault ??= error;
    this.#waiting?.reject(this.#fault);
  }
}

function requestBytes(protocol: HttpProtocol, count: number): Buffer {
  const body = protocol === "grpc-web" ? requestFrame(count) : JSON.stringify({ count });
  const head = [
    `POST ${GET_TS_PATH} HTTP/1.1`,
    "host: 127.0.0.1",
    `content-type: ${CONTENT_TYPES[protocol]}`,
    `content-length: ${body.length}`,
    "",
    "",
  ];
  return Buffer.concat([Buffer.from(head.join("\r\n")), Buffer.from(body)]);
}

function blockFromGrpcWeb(body: Uint8Array): Block {
  const { message, trailers } = readFrames(body);
  if (!/^grpc-status:\s*0\r?$/im.test(trailers)) throw new Error(`gRPC-Web trailers: ${trailers}`);
  return blockFromBinary(message);
}
