// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import * as http2 from "node:http2";
import { within } from "../../_support/server_process.ts";
import type { Answer, Exchange } from "./exchange.ts";

/** What a TLS client trusts and shows. */
export interface ClientTls {
  /** Certificates of the authorities that are trusted, PEM. */
  readonly caPem: string;
  /** The client's certificate, PEM. */
  readonly certPem?: string;
  /** The client's key, PEM. */
  readonly keyPem?: string;
}

/** One HTTP/2 connection, with nothing of any RPC library on it. */
export class H2Client implements AsyncDisposable {
  /** The connection. */
  readonly session: http2.ClientHttp2Session;
  readonly #closed: Promise<void>;
  readonly #goaway: Promise<number>;

  /** Starts to connect to an origin such as `http://127.0.0.1:1`. */
  constructor(origin: string, tls?: ClientTls) {
    this.session = http2.connect(origin, {
      ...(tls === undefined ? {} : { ca: tls.caPem, cert: tls.certPem, key: tls.keyPem }),
    });
    // An error ends the calls under way with it, and the session with "close".
    this.session.on("error", () => {});
    this.#closed = new Promise((resolve) => this.session.once("close", () => resolve()));
    this.#goaway = new Promise((resolve) => this.session.once("goaway", resolve));
  }

  /** Opens a stream and sends the headers. The body is the caller's to write and to end. */
  open({ method, path, headers }: Exchange): H2Stream {
    const stream = this.session.request({ ":method": method, ":path": path, ...headers });
    return new H2Stream(stream);
  }

  /** One call, start to end. */
  async call(exchange: Exchange): Promise<Answer> {
    const stream = this.open(exchange);
    stream.end(exchange.body);
    return await stream.answer;
  }

  /** Waits until the server says goodbye. @returns the error code of its GOAWAY */
  untilGoaway(): Promise<number> {
    return within(this.#goaway, LIMIT_MS, () => "the server did not say goodbye");
  }

  /** Waits until the connection is gone. */
  untilClosed(): Promise<void> {
    return within(this.#closed, LIMIT_MS, () => "the connection is still open");
  }

  /** Waits until the server has read everything sent so far: frames are read in order. */
  ping(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.session.ping((error) => error === null ? resolve() : reject(error));
    });
  }

  /** Cuts the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.session.destroyed) this.session.destroy();
    await this.#closed;
  }
}

/** One stream, and what comes back on it. */
export class H2Stream {
  /** The answer, once it is complete; rejected if the stream is reset instead. */
  readonly answer: Promise<Answer>;
  readonly #stream: http2.ClientHttp2Stream;

  /** Starts to collect the answer. */
  constructor(stream: http2.ClientHttp2Stream) {
    this.#stream = stream;
    this.answer = collect(stream);
    this.answer.catch(() => {});
  }

  /** Sends a part of the body. */
  write(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  /** Sends the rest of the body, and that it was the rest. */
  end(bytes?: Uint8Array): void {
    // A request that has no body has ended with its headers.
    if (bytes !== undefined || !this.#stream.writableEnded) this.#stream.end(bytes);
  }

  /** Gives the call up. */
  reset(code: number = http2.constants.NGHTTP2_CANCEL): void {
    this.#stream.close(code);
  }
}

const LIMIT_MS = 60_000;
const NO_ERROR = http2.constants.NGHTTP2_NO_ERROR;

function collect(stream: http2.ClientHttp2Stream): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let headers = new Headers();
    let trailers = new Headers();
    let status = 0;
    let complete = false;
    stream.on("response", (fields) => {
      status = Number(fields[":status"]);
      headers = toHeaders(fields);
    });
    stream.on("trailers", (fields) => trailers = toHeaders(fields));
    stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    stream.on("end", () => complete = status !== 0 && stream.rstCode === NO_ERROR);
    stream.on("error", reject);
    stream.on("close", () => {
      if (!complete || isCutOff(headers, trailers)) {
        reject(new Error(`no whole answer: stream ended with ${stream.rstCode}`));
      } else resolve({ status, headers, trailers, body: Buffer.concat(chunks) });
    });
  });
}

/** Deno also calls an answer ended if the connection broke before the trailers, in which gRPC has its status. */
function isCutOff(headers: Headers, trailers: Headers): boolean {
  const isGrpc = /^application\/grpc($|\+|;)/.test(headers.get("content-type") ?? "");
  return isGrpc && !headers.has("grpc-status") && !trailers.has("grpc-status");
}

function toHeaders(fields: http2.IncomingHttpHeaders): Headers {
  const pairs = Object.entries(fields).flatMap(([name, value]): [string, string][] =>
    name.startsWith(":") || value === undefined ? [] : [[name, String(value)]]
  );
  return new Headers(pairs);
}
