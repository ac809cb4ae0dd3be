// SPDX-License-Identifier: Apache-2.0

import type { AnswerSink, ClientRequest, ClientStream } from "./client_stream.ts";
import { ClientStreams } from "./client_streams.ts";
import type { ClientStreamsOptions } from "./client_streams.ts";
import { Connection } from "./connection.ts";
import type { ConnectionOptions } from "./connection.ts";
import { PREFACE } from "./frames/frame_type.ts";
import { SETTING } from "./settings.ts";

const NOTHING = new Uint8Array(0);

/** Largest head or trailers of an answer, in bytes. */
const HEADER_BYTES = 16_384;

/** What the client's side of a connection is made of. */
export interface ClientConnectionOptions
  extends
    Pick<ConnectionOptions, "transport" | "clock" | "deadlines" | "onFault">,
    Pick<ClientStreamsOptions, "onGreeted" | "onBusy" | "onOver"> {
  /**
   * The number of the first stream, odd; for tests.
   *
   * @default {1}
   */
  readonly firstStreamId?: number;
}

/**
 * The client's side of HTTP/2, for requests whose body is whole from the beginning. It says hello at once, and sends its
 * first request after the server has done so. Pushed streams are refused. A hostile server is bounded as a
 * hostile client is (`serveConnection`): of streams that were cancelled what may be on its way is read away, and frames of
 * others that are over are of no use.
 */
export class ClientConnection {
  /** What the holder of the socket gives its bytes to. */
  readonly connection: Connection;
  readonly #streams: ClientStreams;

  /** Takes a socket that has just opened. */
  constructor(options: ClientConnectionOptions) {
    const { transport, clock, deadlines, onFault, onGreeted, onBusy, onOver } = options;
    const { firstStreamId = 1 } = options;
    const about = { onGreeted, onBusy, onOver, firstStreamId, headerBytes: HEADER_BYTES };
    let streams: ClientStreams | undefined;
    this.connection = new Connection({
      ...{ transport, clock, deadlines, onFault },
      preface: NOTHING,
      greeting: PREFACE,
      mayPeerEnablePush: false,
      settings: [
        [SETTING.enablePush, 0],
        [SETTING.maxHeaderListSize, HEADER_BYTES],
      ],
      streams: (parts, onEmpty) => streams = new ClientStreams(parts, { ...about, onEmpty }),
    });
    if (streams === undefined) throw new Error("a connection makes its streams at once");
    this.#streams = streams;
  }

  /** Whether a request can be sent, now or once it is its turn. */
  get canRequest(): boolean {
    return !this.connection.isOver && this.#streams.canRequest;
  }

  /**
   * Sends a request, at once or when the server takes one more. All requests of a turn go out with one write. If the
   * connection takes none any more, the sink is told so within the call.
   */
  request(request: ClientRequest, sink: AnswerSink): ClientStream {
    return this.#streams.request(request, sink);
  }
}
