// SPDX-License-Identifier: Apache-2.0

import { ConnectError, createClient } from "@connectrpc/connect";
import type { Transport } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http2";
import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { faultOf } from "../../../../src/client/calls/fault.ts";
import { faultOf as etcdFaultOf } from "../../../../src/drivers/etcd/faults.ts";
import { Health } from "../../../../src/gen/grpc/health/v1/health_pb.ts";
import { ioTest } from "../../../_support/levels.ts";
import { ANSWERS } from "./_support/answers.ts";
import type { Answer } from "./_support/answers.ts";
import type { TransportName } from "./_support/transports.ts";
import { callsOn, open } from "./_support/transports.ts";

/** Header fields that are not the server's own. */
const PASSING = ["date", "content-length"];

/** A server of `node:http2` with one answer to everything. */
class AnsweringServer implements AsyncDisposable {
  answer: Answer = () => {};
  readonly #server = createServer();
  readonly #sessions = new Set<ServerHttp2Session>();

  static async start(): Promise<AnsweringServer> {
    const server = new AnsweringServer();
    server.#server.on("session", (session) => {
      server.#sessions.add(session);
      session.on("error", () => {});
      session.once("close", () => server.#sessions.delete(session));
    });
    server.#server.on("stream", (stream: ServerHttp2Stream) => {
      stream.on("error", () => {});
      stream.on("end", () => server.answer(stream));
      stream.resume();
    });
    await once(server.#server.listen(0, "127.0.0.1"), "listening");
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.destroy();
    await closed;
  }
}

function metadataOf(headers: Headers): readonly (readonly [string, string])[] {
  return [...headers].filter(([name]) => !PASSING.includes(name));
}

/** What a caller sees of a call that failed, and what the client and the driver of etcd make of it. */
interface Failed {
  readonly seen: unknown;
  readonly fault: unknown;
}

function failed(error: ConnectError, messages?: readonly unknown[]): Failed {
  const { code, rawMessage, details, metadata } = error;
  const { kind, isCertain } = faultOf(error, { sendsOnce: true });
  return {
    seen: { messages, code, rawMessage, details, metadata: metadataOf(metadata) },
    fault: { kind, isCertain, etcd: etcdFaultOf(error, "a").name },
  };
}

/** Everything that a caller sees of a call. */
async function outcomeOf(
  name: TransportName,
  origin: string,
): Promise<Failed | { readonly seen: unknown }> {
  const channel = open(name, origin);
  const fields: unknown[] = [];
  const note = (headers: Headers) => fields.push(metadataOf(headers));
  try {
    const { getTs } = callsOn(channel);
    const options = { timeoutMs: 5_000, onHeader: note, onTrailer: note };
    const message = await getTs({ count: 3 }, options);
    return { seen: { message, fields } };
  } catch (error) {
    return error instanceof ConnectError ? failed(error) : { seen: error };
  } finally {
    channel.close();
  }
}

/** Everything that a caller sees of a stream. The messages are read as those of another service, which does no harm. */
async function streamOf(
  name: TransportName,
  origin: string,
): Promise<Failed | { readonly seen: unknown }> {
  const channel = open(name, origin);
  const messages: unknown[] = [];
  const fields: unknown[] = [];
  const note = (headers: Headers) => fields.push(metadataOf(headers));
  try {
    const { watch } = createClient(Health, channel.transport as unknown as Transport);
    const options = { timeoutMs: 5_000, onHeader: note, onTrailer: note };
    for await (const message of watch({}, options)) messages.push(message);
    return { seen: { messages, fields } };
  } catch (error) {
    return error instanceof ConnectError ? failed(error, messages) : { seen: error };
  } finally {
    channel.close();
  }
}

/** What connect-node takes for the word of a server, although half an answer says nothing of what was done. */
const HALVES = ["half a message", "half a prefix"];

for (const [kind, look] of Object.entries({ "an answer": outcomeOf, "a stream": streamOf })) {
  ioTest(
    `${kind} is the same through the client's own HTTP/2 and through connect-node`,
    async (t) => {
      await using server = await AnsweringServer.start();
      for (const [what, answer] of Object.entries(ANSWERS)) {
        await t.step(what, async () => {
          server.answer = answer;
          const own = await look("own", server.origin);
          const other = await look("connect-node", server.origin);
          if (HALVES.includes(what)) {
            const fault = { kind: "transport", isCertain: true, etcd: "TransientError" };
            assert.deepEqual("fault" in own && own.fault, fault);
          } else if (what.startsWith("a reset")) {
            // The runtimes have words of their own for resets, and hide the status that gRPC has for them.
            assert.deepEqual("fault" in own && own.fault, "fault" in other && other.fault);
          } else {
            assert.deepEqual(own, other);
          }
        });
      }
    },
  );
}
