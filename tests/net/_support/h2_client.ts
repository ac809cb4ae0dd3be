// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { connect } from "node:http2";
import type {
  ClientHttp2Session,
  IncomingHttpHeaders,
  SecureClientSessionOptions,
} from "node:http2";

/** How a call over HTTP/2 ended. */
export interface H2Answer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The code of RST_STREAM, 0 if there was none. */
  readonly rstCode: number;
}

/** A call to make. */
export interface H2Call {
  readonly path: string;
  /**
   * Method of HTTP.
   *
   * @default {"POST"}
   */
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array;
  /**
   * Whether the request is sent to its end.
   *
   * @default {true}
   */
  readonly end?: boolean;
}

/** A connection of Node's HTTP/2 client. */
export class H2Client implements AsyncDisposable {
  readonly session: ClientHttp2Session;
  /** Settles when the connection is closed. */
  readonly closed: Promise<void>;
  /** Error codes of the GOAWAY frames received. */
  readonly goaways: number[] = [];

  constructor(url: string, options: SecureClientSessionOptions = {}) {
    this.session = connect(url, options);
    this.session.on("error", () => {});
    this.session.on("goaway", (code: number) => this.goaways.push(code));
    this.closed = new Promise((resolve) => this.session.once("close", () => resolve()));
  }

  /** Makes a call. Settles when its stream is closed, in whatever way. */
  call(call: H2Call): Promise<H2Answer> {
    const { path, method = "POST", headers = {}, body, end = true } = call;
    const stream = this.session.request({ ":path": path, ":method": method, ...headers });
    const chunks: Buffer[] = [];
    let head: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    stream.on("response", (received) => head = received);
    stream.on("trailers", (received) => trailers = received);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => {});
    if (body !== undefined) stream.write(body);
    if (end) stream.end();
    return new Promise((resolve) => {
      stream.once("close", () => {
        const { rstCode = 0 } = stream;
        resolve({ headers: head, trailers, body: Buffer.concat(chunks), rstCode });
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session.destroy();
    await this.closed;
  }
}

const PATH = "/tsoracle.v1.TsoService/";

/** A gRPC call with an uncompressed message. */
export function grpcCall(method: string, message: Uint8Array): H2Call {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return {
    path: PATH + method,
    headers: { "content-type": "application/grpc", te: "trailers" },
    body: frame,
  };
}

/** GetTs over gRPC; the count is at most 127. */
export function grpcGetTs(count = 1): H2Call {
  return grpcCall("GetTs", count === 0 ? new Uint8Array() : new Uint8Array([8, count]));
}
