// SPDX-License-Identifier: Apache-2.0

import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { VERSION } from "../../../../src/version.ts";
import { ioTest } from "../../../_support/levels.ts";
import { until } from "../../../net/_support/until.ts";
import { watchListeners } from "../../_support/watch_listeners.ts";
import { play } from "./_support/scene.ts";
import { callsOn } from "./_support/transports.ts";

ioTest(
  "a call has the head that gRPC asks for, and fields of its caller",
  () =>
    play(async (scene) => {
      scene.answers = true;
      const { getTs } = callsOn(scene.channel);
      await getTs({ count: 3 });
      await getTs({ count: 3 }, { timeoutMs: 1_234, headers: { "X-Mine": "a b" } });
      await getTs({ count: 3 }, { timeoutMs: 200_000_000 });
      const [plain, own, long] = scene.heads;
      assert.deepEqual({ ...plain }, {
        ":method": "POST",
        ":scheme": "http",
        ":authority": `127.0.0.1:${scene.port}`,
        ":path": "/tsoracle.v1.TsoService/GetTs",
        "content-type": "application/grpc+proto",
        "user-agent": `tsoracle-ts/${VERSION}`,
        "te": "trailers",
        ...Object.fromEntries(
          Object.getOwnPropertySymbols(plain).map((key) => [
            key,
            (plain as Record<symbol, unknown>)[key],
          ]),
        ),
      });
      assert.deepEqual([own?.["grpc-timeout"], own?.["x-mine"]], ["1234m", "a b"]);
      assert.equal(long?.["grpc-timeout"], "200000S");
    }),
);

ioTest(
  "a call that its signal ends is cancelled, and leaves no listener",
  () =>
    play(async (scene) => {
      const controller = new AbortController();
      const { signal } = controller;
      const listeners = watchListeners(signal);
      const call = callsOn(scene.channel).getTs({ count: 1 }, { signal });
      call.catch(() => {});
      await until("the request", () => scene.streams.length === 1);
      controller.abort(new Error("the user has gone"));
      await assert.rejects(call, { code: Code.Canceled, rawMessage: "the user has gone" });
      await until("the reset", () => scene.streams[0]?.closed === true);
      assert.equal(scene.streams[0]?.rstCode, 8);
      assert.equal(listeners(), 0);
    }),
);

ioTest("a call that takes too long is cancelled, and others go on", () =>
  play(async (scene) => {
    const { getTs } = callsOn(scene.channel);
    const late = { code: Code.DeadlineExceeded, rawMessage: "the operation timed out" };
    await assert.rejects(getTs({ count: 1 }, { timeoutMs: 300 }), late);
    await until("the reset", () => scene.streams.every(({ closed }) => closed));
    scene.answers = true;
    assert.equal((await getTs({ count: 3 }, { timeoutMs: 20_000 })).count, 3);
  }));

ioTest("a call whose signal has fired is not sent", () =>
  play(async (scene) => {
    scene.answers = true;
    const { getTs } = callsOn(scene.channel);
    const signal = AbortSignal.abort(new Error("too late"));
    await assert.rejects(getTs({ count: 1 }, { signal }), { code: Code.Canceled });
    await getTs({ count: 3 });
    assert.equal(scene.heads.length, 1);
  }));

ioTest(
  "a call that ends while the connection is made is not sent, and the connection serves others",
  () =>
    play(async (scene) => {
      scene.answers = true;
      const { getTs } = callsOn(scene.channel);
      const controller = new AbortController();
      const given = getTs({ count: 1 }, { signal: controller.signal });
      const kept = getTs({ count: 3 });
      controller.abort(new Error("no more"));
      await assert.rejects(given, { code: Code.Canceled, rawMessage: "no more" });
      assert.equal((await kept).count, 3);
      assert.equal(scene.heads.length, 1);
    }),
);

ioTest(
  "a channel that is closed fails the calls that are under way, and all later ones",
  () =>
    play(async (scene) => {
      const { getTs } = callsOn(scene.channel);
      const call = getTs({ count: 1 });
      call.catch(() => {});
      await until("the request", () => scene.streams.length === 1);
      scene.channel.close();
      await assert.rejects(call, /the connection was closed/);
      await assert.rejects(getTs({ count: 1 }), /the connection was closed/);
    }),
);

ioTest(
  "a message that cannot be written fails its call alone",
  () =>
    play(async (scene) => {
      scene.answers = true;
      const { getTs } = callsOn(scene.channel);
      await assert.rejects(getTs({ count: -1 }), { code: Code.Internal });
      assert.equal((await getTs({ count: 3 })).count, 3);
    }),
);
