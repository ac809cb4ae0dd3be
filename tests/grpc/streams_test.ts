// SPDX-License-Identifier: Apache-2.0

import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { faultOf } from "../../src/client/calls/fault.ts";
import { ERROR_CODE } from "../../src/http2/error_code.ts";
import type { WatchResponse } from "../../src/gen/etcdserverpb/rpc_pb.ts";
import { Watch } from "../../src/gen/etcdserverpb/rpc_pb.ts";
import { watchListeners } from "../client/_support/watch_listeners.ts";
import { ioTest } from "../_support/levels.ts";
import { head, headers, reset, trailers } from "../http2/_support/memory_server.ts";
import { data } from "../net/_support/h2_frames.ts";
import { soon, until } from "../net/_support/until.ts";
import type { ScriptedPeer } from "./_support/scripted_server.ts";
import { ScriptedServer } from "./_support/scripted_server.ts";
import {
  Caller,
  framesWith,
  MAX_ANSWER_BYTES,
  openRequest,
  txnAnswer,
  watched,
} from "./_support/watching.ts";

const WINDOW_BYTES = 65_535;
const FRAME_BYTES = 16_384;

/** A watch that a server has taken. */
interface Scene {
  readonly caller: Caller;
  readonly peer: ScriptedPeer;
  readonly controller: AbortController;
  next(): Promise<bigint | undefined>;
}

/** Runs a test with a watch on stream 1. */
async function play(
  run: (scene: Scene) => Promise<void>,
  options: { readonly timeoutMs?: number } = {},
): Promise<void> {
  await using server = await ScriptedServer.start();
  using caller = new Caller(server.origin);
  const controller = new AbortController();
  const { signal } = controller;
  const watch = caller.watch.watch(openRequest(signal), { signal, ...options });
  const answers = watch[Symbol.asyncIterator]();
  const next = async () => {
    const { done, value } = await soon("an answer", answers.next());
    return done ? undefined : (value as WatchResponse).header?.revision;
  };
  const peer = await server.peer();
  await peer.asked(1);
  try {
    await run({ caller, peer, controller, next });
  } finally {
    const last = answers.next().catch(() => {});
    controller.abort();
    await soon("the end of the watch", last);
  }
}

ioTest(
  "a stream brings messages that come together, and others that come in many frames",
  () =>
    play(async ({ peer, next }) => {
      const long = watched(3, "x".repeat(150_000));
      peer.send(head(1), data(1, Buffer.concat([watched(1), watched(2), long.subarray(0, 7)])));
      assert.deepEqual([await next(), await next()], [1n, 2n]);
      const third = next();
      // More than the window of a stream: credit comes while the message is waited for.
      for (let at = 7; at < long.length; at += FRAME_BYTES) {
        await until("the window", () => WINDOW_BYTES + peer.creditOf(1) >= at + FRAME_BYTES + 100);
        peer.send(data(1, long.subarray(at, at + FRAME_BYTES)));
      }
      assert.equal(await third, 3n);
      peer.send(framesWith(1, watched(4), 1), trailers(1));
      assert.deepEqual([await next(), await next()], [4n, undefined]);
    }),
);

ioTest(
  "the request of a stream stays open for as long as its input",
  () =>
    play(async ({ caller, peer, next }) => {
      peer.send(head(1), data(1, watched(1)));
      assert.equal(await next(), 1n);
      assert.equal(peer.hasEnded(1), false);
      const stop = new AbortController();
      const other = caller.watch.watch(openRequest(stop.signal))[Symbol.asyncIterator]();
      await peer.asked(3);
      peer.send(head(3), data(3, watched(7)));
      await other.next();
      stop.abort();
      await until("the end of the request", () => peer.hasEnded(3));
      peer.send(data(3, watched(8)), trailers(3));
      assert.equal((await other.next()).done, false);
      assert.equal((await other.next()).done, true);
      assert.deepEqual(peer.resetsOf(3), []);
    }),
);

ioTest("a stream with a second message to send fails", () =>
  play(async ({ caller, peer }) => {
    const twice = async function* () {
      yield* [{}, {}];
    };
    const answers = caller.watch.watch(twice())[Symbol.asyncIterator]();
    await assert.rejects(soon("the end", answers.next()), { code: Code.Unimplemented });
    await until("the reset", () => peer.resetsOf(3).length > 0);
  }));

ioTest(
  "what a slow consumer leaves waits at the server, and other calls go on",
  () =>
    play(async ({ caller, peer, next }) => {
      const message = watched(1, "x".repeat(1_000));
      const count = Math.floor(WINDOW_BYTES / message.length);
      peer.send(head(1), data(1, message));
      assert.equal(await next(), 1n);
      for (let i = 1; i < count; i++) peer.send(data(1, message));
      const txn = caller.kv.txn({});
      await peer.asked(3);
      peer.send(txnAnswer(3));
      assert.equal((await soon("the transaction", txn)).succeeded, true);
      assert.equal(peer.creditOf(1), 0);
      assert(peer.creditOf(0) > 0, "the connection has no credit");
      for (let i = 1; i < count; i++) assert.equal(await next(), 1n);
      await until("credit", () => peer.creditOf(1) > 0);
      assert(peer.creditOf(1) <= count * message.length);
    }),
);

ioTest(
  "a server that sends more than the window of a stream ends it",
  () =>
    play(async ({ peer, next }) => {
      const message = watched(1, "x".repeat(1_000));
      const count = Math.ceil(WINDOW_BYTES / message.length) + 1;
      peer.send(head(1));
      for (let i = 0; i < count; i++) peer.send(data(1, message));
      await until("the reset", () => peer.resetsOf(1).length > 0);
      assert.deepEqual(peer.resetsOf(1), [ERROR_CODE.flowControlError]);
      for (let i = 0; i < count - 2; i++) assert.equal(await next(), 1n);
      await assert.rejects(async () => {
        for (let i = 0; i < 2; i++) await next();
      }, { code: Code.Internal });
    }),
);

ioTest(
  "a signal ends a stream that waits, at once, and leaves no listener",
  () =>
    play(async ({ caller, peer }) => {
      for (const isBegun of [false, true]) {
        const stream = isBegun ? 5 : 3;
        const controller = new AbortController();
        const { signal } = controller;
        const listeners = watchListeners(signal);
        const stop = new AbortController();
        const response = caller.transport.stream(
          Watch.method.watch,
          signal,
          undefined,
          undefined,
          openRequest(stop.signal),
        );
        response.catch(() => {});
        await peer.asked(stream);
        const pending = isBegun
          ? (peer.send(head(stream)), (await response).message[Symbol.asyncIterator]().next())
          : response;
        setTimeout(() => controller.abort(new Error("nobody waits")), 5);
        await assert.rejects(soon("the end", Promise.resolve(pending as Promise<unknown>)), {
          code: Code.Canceled,
          rawMessage: "nobody waits",
        });
        await until("the reset", () => peer.resetsOf(stream).length > 0);
        assert.deepEqual([peer.resetsOf(stream), listeners()], [[ERROR_CODE.cancel], 0]);
        stop.abort();
      }
    }),
);

ioTest("a signal drops the messages that wait", () =>
  play(async ({ peer, controller, next }) => {
    peer.send(head(1), data(1, Buffer.concat([watched(1), watched(2), watched(3)])));
    assert.equal(await next(), 1n);
    controller.abort(new Error("nobody waits"));
    await assert.rejects(next(), { code: Code.Canceled });
  }));

ioTest(
  "a signal that has fired, or fires before the input begins, sends nothing",
  () =>
    play(async ({ caller, peer }) => {
      const signal = AbortSignal.abort(new Error("too late"));
      const fired = caller.watch.watch(openRequest(signal), { signal })[Symbol.asyncIterator]();
      await assert.rejects(fired.next(), { code: Code.Canceled, rawMessage: "too late" });
      const controller = new AbortController();
      const never = async function* () {
        await new Promise((resolve) => controller.signal.addEventListener("abort", resolve));
        yield {};
      };
      const waiting = caller.watch.watch(never(), controller)[Symbol.asyncIterator]();
      const pending = waiting.next();
      controller.abort(new Error("no more"));
      await assert.rejects(pending, { code: Code.Canceled, rawMessage: "no more" });
      assert.deepEqual([...peer.paths.keys()], [1]);
    }),
);

ioTest(
  "an input that fails before its first message fails the call, and nothing is sent",
  () =>
    play(async ({ caller, peer }) => {
      // deno-lint-ignore require-yield
      const failing = async function* () {
        await Promise.resolve();
        throw new Error("no request");
      };
      const answers = caller.watch.watch(failing())[Symbol.asyncIterator]();
      await assert.rejects(answers.next(), { code: Code.Internal, rawMessage: "no request" });
      assert.deepEqual([...peer.paths.keys()], [1]);
    }),
);

ioTest(
  "a connection that is lost ends its streams, after what has come whole",
  () =>
    play(async ({ peer, next }) => {
      const half = watched(3).subarray(0, 6);
      peer.send(head(1), data(1, Buffer.concat([watched(1), watched(2), half])));
      assert.equal(await next(), 1n);
      peer.socket.end();
      await until("the end", () => peer.isClosed);
      assert.equal(await next(), 2n);
      await assert.rejects(next(), { rawMessage: "the peer closed the connection" });
    }),
);

for (
  const [code, expected] of [
    [ERROR_CODE.refusedStream, Code.Unavailable],
    [ERROR_CODE.cancel, Code.Canceled],
    [ERROR_CODE.internalError, Code.Internal],
    [ERROR_CODE.enhanceYourCalm, Code.ResourceExhausted],
  ] as const
) {
  ioTest(
    `a stream that is reset with code ${code} fails as ${Code[expected]}`,
    () =>
      play(async ({ peer, next }) => {
        peer.send(head(1), data(1, watched(1)));
        assert.equal(await next(), 1n);
        const waiting = next();
        peer.send(reset(1, code));
        const fault = await waiting.then(() => assert.fail(), (error) => error);
        assert.equal(fault.code, expected);
        // Its answer has begun: it must not pass for a call that was never looked at.
        assert.equal(faultOf(fault, { sendsOnce: true }).kind, "transport");
        assert.deepEqual(peer.resetsOf(1), []);
      }),
  );
}

ioTest(
  "a message that is larger than the bound ends the stream",
  () =>
    play(async ({ peer, next }) => {
      const large = watched(2, "x".repeat(MAX_ANSWER_BYTES));
      peer.send(head(1), data(1, Buffer.concat([watched(1), large.subarray(0, 100)])));
      assert.equal(await next(), 1n);
      await assert.rejects(next(), { code: Code.ResourceExhausted });
      await until("the reset", () => peer.resetsOf(1).length > 0);
      assert.deepEqual(peer.resetsOf(1), [ERROR_CODE.cancel]);
    }),
);

ioTest(
  "a stream ends when its time is over, however much comes of it",
  () =>
    play(async ({ caller, peer, next }) => {
      peer.send(head(1));
      let revision = 0;
      await assert.rejects(async () => {
        for (; revision < 2_000; revision++) {
          peer.send(data(1, watched(revision)));
          await next();
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }, { code: Code.DeadlineExceeded, rawMessage: "the operation timed out" });
      await until("the reset", () => peer.resetsOf(1).length > 0);
      const txn = caller.kv.txn({});
      await peer.asked(3);
      peer.send(txnAnswer(3));
      assert.equal((await txn).succeeded, true);
      // Enough for the connection to be made, too.
    }, { timeoutMs: 3_000 }),
);

ioTest(
  "a stream ends with the status that the server gives",
  () =>
    play(async ({ caller, peer, next }) => {
      peer.send(head(1), data(1, watched(1)));
      peer.send(headers(1, { "grpc-status": "14", "grpc-message": "etcdserver: no leader" }, true));
      assert.equal(await next(), 1n);
      const noLeader = { code: Code.Unavailable, rawMessage: "etcdserver: no leader" };
      await assert.rejects(next(), noLeader);
      const other = caller.watch.watch(openRequest(new AbortController().signal));
      await peer.asked(3);
      const plain = { ":status": "200", "content-type": "application/grpc" };
      const status = { "grpc-status": "14", "grpc-message": "etcdserver: no leader" };
      peer.send(headers(3, { ...plain, ...status }, true));
      await assert.rejects(other[Symbol.asyncIterator]().next(), noLeader);
    }),
);

ioTest(
  "who stops to take the messages of a stream ends it",
  () =>
    play(async ({ caller, peer }) => {
      const stop = new AbortController();
      const { method } = Watch;
      const input = openRequest(stop.signal);
      const response = caller.transport.stream(method.watch, undefined, undefined, {}, input);
      await peer.asked(3);
      peer.send(head(3), data(3, Buffer.concat([watched(1), watched(2)])));
      for await (const { header } of (await response).message) {
        assert.equal(header?.revision, 1n);
        break;
      }
      await until("the reset", () => peer.resetsOf(3).length > 0);
      assert.deepEqual(peer.resetsOf(3), [ERROR_CODE.cancel]);
      stop.abort();
    }),
);
