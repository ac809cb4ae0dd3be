// SPDX-License-Identifier: Apache-2.0

import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import { abortable } from "../core/abortable.ts";
import { deferred } from "../core/deferred.ts";
import type { Deferred } from "../core/deferred.ts";
import { ERROR_CODE } from "../http2/error_code.ts";
import type { HeaderField } from "../http2/hpack/header_field.ts";
import { encodeBlock } from "../http2/hpack/hpack_encoder.ts";
import type { ByteSpan, Stream, StreamSink } from "../http2/stream.ts";
import type { Answer } from "../rpc/answer.ts";
import type { DateStamp } from "./date_stamp.ts";
import type { Message, MessageEvents } from "./message.ts";
import { toUrl } from "./message.ts";
import { sendAnswer } from "./send_answer.ts";
import type { AnswerWriter, SendOptions, SendOutcome } from "./send_answer.ts";
import { StreamBody } from "./stream_body.ts";

/** Options of {@linkcode StreamMessage}. */
export interface StreamMessageOptions {
  /** Whether the request has been waited for in vain. */
  readonly isLate: boolean;
  /** Dates the answer. */
  readonly dates: DateStamp;
}

/** A message on a stream of our own HTTP/2. */
export class StreamMessage implements Message, StreamSink, AnswerWriter {
  readonly #stream: Stream;
  readonly #dates: DateStamp;
  readonly #body: StreamBody;
  #events: MessageEvents | undefined;
  #head: readonly HeaderField[] = [];
  #writable: Deferred<void> | undefined;

  readonly isLate: boolean;

  /** Takes a stream that was just opened, or one that is late. */
  constructor(stream: Stream, { isLate, dates }: StreamMessageOptions) {
    this.#stream = stream;
    this.#dates = dates;
    this.isLate = isLate;
    this.#body = new StreamBody((bytes) => stream.consume(bytes));
    stream.sink = this;
  }

  get contentType(): string | undefined {
    return this.#stream.head.fields.find(({ name }) => name === "content-type")?.value;
  }

  get isComplete(): boolean {
    return this.#stream.isReceived;
  }

  get isReceived(): boolean {
    return this.#stream.isReceived || this.#stream.isOver;
  }

  get hasBegun(): boolean {
    return this.#stream.hasBegun;
  }

  watch(events: MessageEvents): void {
    this.#events = events;
  }

  read(signal: AbortSignal): UniversalServerRequest | undefined {
    const { method, path, fields } = this.#stream.head;
    const url = toUrl(path);
    if (url === undefined) return undefined;
    return { httpVersion: "2.0", method, url, header: toHeaders(fields), body: this.#body, signal };
  }

  send(answer: Answer, options: SendOptions): Promise<SendOutcome> {
    return sendAnswer(this, answer, options);
  }

  announceClose(): void {}

  skipBody(): void {
    this.#body.skip();
  }

  /** A client that has its answer, and only goes on and on with its request, is not told of a fault. */
  cutOff(): void {
    this.#stream.reset(this.#stream.isSent ? ERROR_CODE.noError : ERROR_CODE.cancel);
  }

  onData(_stream: Stream, bytes: Uint8Array, span: ByteSpan): void {
    this.#body.add(bytes, span);
  }

  onEnd(): void {
    this.#body.complete();
    this.#events?.onReceived();
  }

  onWritable(): void {
    this.#writable?.resolve();
    this.#writable = undefined;
  }

  onClosed(): void {
    if (!this.#stream.isReceived) this.#body.lose();
    this.#events?.onReceived();
    this.#events?.onClosed();
  }

  /** The head goes out with what follows it: if nothing does, it ends the stream. */
  writeHead(answer: Answer): void {
    const status = { name: ":status", value: String(answer.status) };
    const fields = fieldsOf(answer.header);
    const isDated = fields.some(({ name }) => name === "date");
    this.#head = [status, ...fields, ...isDated ? [] : [this.#dates.field]];
  }

  async write(chunk: Uint8Array, signal: AbortSignal): Promise<void> {
    if (this.#isHead) return;
    this.#begin(false);
    this.#stream.send(chunk, false);
    if (!this.#stream.isWaiting) return;
    this.#writable = deferred<void>();
    await abortable(this.#writable.promise, signal);
  }

  end(last: Uint8Array | undefined, trailers: Headers | undefined): void {
    const body = this.#isHead || last?.length === 0 ? undefined : last;
    const isBare = body === undefined && trailers === undefined;
    this.#begin(isBare);
    if (isBare) return;
    if (body !== undefined) this.#stream.send(body, trailers === undefined);
    if (trailers !== undefined) this.#stream.sendTrailers(encodeBlock(fieldsOf(trailers)));
  }

  #begin(endStream: boolean): void {
    if (!this.#stream.hasBegun) this.#stream.respond(encodeBlock(this.#head), endStream);
    else if (endStream) this.#stream.send(new Uint8Array(0), true);
  }

  get #isHead(): boolean {
    return this.#stream.head.method === "HEAD";
  }
}

function fieldsOf(headers: Iterable<[string, string]> | undefined): readonly HeaderField[] {
  return Array.from(headers ?? [], ([name, value]) => ({ name, value }));
}

/** A client may send its cookies one by one, to compress them better (RFC 9113, 8.2.3). */
function toHeaders(fields: readonly HeaderField[]): Headers {
  const headers = new Headers();
  for (const { name, value } of fields) {
    const cookies = name === "cookie" ? headers.get(name) : null;
    if (cookies === null) headers.append(name, value);
    else headers.set(name, `${cookies}; ${value}`);
  }
  return headers;
}
