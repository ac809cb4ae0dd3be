// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { SystemClock } from "../../../src/clock/system_clock.ts";
import { PermanentError, TransientError, UnavailableError } from "../../../src/consensus/errors.ts";
import { EtcdClient } from "../../../src/drivers/etcd/client.ts";
import { ERROR_CODE } from "../../../src/http2/error_code.ts";
import { lastingAddress } from "../../_support/lasting_port.ts";
import { ioTest } from "../../_support/levels.ts";
import { ScriptedServer } from "../../grpc/_support/scripted_server.ts";
import type { ScriptedPeer } from "../../grpc/_support/scripted_server.ts";
import { txnAnswer, watched } from "../../grpc/_support/watching.ts";
import { goaway, head, headers, reset } from "../../http2/_support/memory_server.ts";
import { data } from "../../net/_support/h2_frames.ts";
import { soon, until } from "../../net/_support/until.ts";
import { CALM } from "./_support/etcd_rig.ts";

const RANGE = { key: Buffer.from("k"), rangeEnd: Buffer.from("l") };

/** A client of members that do what the test says, and a watch of it. */
class Scene implements AsyncDisposable {
  readonly client: EtcdClient;
  readonly servers: readonly ScriptedServer[];
  readonly #stop = new AbortController();

  private constructor(servers: readonly ScriptedServer[]) {
    this.servers = servers;
    const urls = servers.map(({ origin }) => origin);
    this.client = new EtcdClient({ urls, tls: undefined, clock: new SystemClock() });
  }

  static async of(members: number): Promise<Scene> {
    return new Scene(
      await Promise.all(Array.from({ length: members }, () => ScriptedServer.start())),
    );
  }

  watch() {
    return this.client.watch(RANGE, { from: 1n, ...CALM, signal: this.#stop.signal });
  }

  peer(member = 0, index = 0): Promise<ScriptedPeer> {
    return (this.servers[member] as ScriptedServer).peer(index);
  }

  get requests(): number {
    return this.servers.flatMap(({ peers }) => peers)
      .reduce((sum, peer) => sum + [...peer.paths.values()].filter(isTxn).length, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("the test is over"));
    this.client.close();
    await Promise.all(this.servers.map((server) => server[Symbol.asyncDispose]()));
  }
}

function isTxn(path: string): boolean {
  return path.endsWith("/Txn");
}

/** What a member does with a transaction. None of it may count as "certainly not done", nor be tried again. */
const ENDS: Readonly<Record<string, (peer: ScriptedPeer) => void>> = {
  "closes the connection": ({ socket }) => void socket.end(),
  "resets the connection": ({ socket }) => void socket.resetAndDestroy(),
  "closes it within the answer": ({ socket }) => void socket.end(head(1)),
  "says goodbye for a fault": ({ socket }) => void socket.end(goaway(1, 11)),
  "says goodbye, not having looked at it": (peer) => peer.send(goaway(0)),
  "refuses it": (peer) => peer.send(reset(1, ERROR_CODE.refusedStream)),
  "cancels it": (peer) => peer.send(reset(1, ERROR_CODE.cancel)),
  "fails with it": (peer) => peer.send(reset(1, ERROR_CODE.internalError)),
  "resets it for its security": (peer) => peer.send(reset(1, ERROR_CODE.inadequateSecurity)),
  "breaks the protocol": (peer) => peer.send(data(1, Buffer.from("x"))),
  "ends half an answer": (peer) =>
    peer.send(head(1), data(1, Buffer.from([0, 0, 0, 0, 9, 1])), headers(1, OK, true)),
  "answers without a status": (peer) => peer.send(head(1), data(1, NO_MESSAGE, true)),
  "answers without a message": (peer) => peer.send(head(1), headers(1, OK, true)),
  "answers with too much": (peer) => peer.send(head(1), data(1, Buffer.from([0, 1, 0, 0, 0]))),
};

const OK = { "grpc-status": "0" };

const NO_MESSAGE = Buffer.alloc(0);

for (const [what, end] of Object.entries(ENDS)) {
  ioTest(`a transaction may have been done if the member ${what}, and is sent once`, async () => {
    await using scene = await Scene.of(2);
    const txn = scene.client.txn({}, CALM);
    txn.catch(() => {});
    const peer = await scene.peer();
    await peer.asked(1);
    end(peer);
    await assert.rejects(soon("the end", txn), (error) => {
      assert.ok(error instanceof TransientError, String(error));
      assert.ok(!(error instanceof UnavailableError) && !(error instanceof PermanentError));
      return true;
    });
    assert.equal(scene.requests, 1);
    const again = scene.client.txn({}, CALM);
    const other = await scene.peer(1);
    await other.asked(1);
    other.send(txnAnswer(1));
    assert.equal((await soon("the next member", again)).succeeded, true);
  });

  ioTest(`a watch fails if the member ${what}, and the next is at another`, async () => {
    await using scene = await Scene.of(2);
    const answers = scene.watch();
    const first = answers.next();
    first.catch(() => {});
    const peer = await scene.peer();
    await peer.asked(1);
    end(peer);
    await assert.rejects(soon("the end", first), TransientError);
    const again = scene.watch().next();
    const other = await scene.peer(1);
    await other.asked(1);
    other.send(head(1), data(1, watched(5)));
    assert.equal((await soon("the next member", again)).value?.header?.revision, 5n);
  });
}

ioTest("a transaction certainly was not done if no member says a word of HTTP/2", async () => {
  const urls = [`http://${lastingAddress()}`];
  const client = new EtcdClient({ urls, tls: undefined, clock: new SystemClock() });
  await assert.rejects(client.txn({}, CALM), UnavailableError);
  client.close();
});

ioTest("a member that says goodbye ends neither a watch nor a transaction under way", async () => {
  await using scene = await Scene.of(1);
  const answers = scene.watch();
  const first = answers.next();
  const peer = await scene.peer();
  await peer.asked(1);
  const txn = scene.client.txn({}, CALM);
  await peer.asked(3);
  peer.send(goaway(3), head(1), data(1, watched(1)));
  assert.equal((await soon("an answer", first)).value?.header?.revision, 1n);
  const later = scene.client.txn({}, CALM);
  const next = await scene.peer(0, 1);
  await next.asked(1);
  next.send(txnAnswer(1));
  await soon("the later transaction", later);
  peer.send(txnAnswer(3), data(1, watched(2)));
  await soon("the transaction", txn);
  assert.equal((await soon("an answer", answers.next())).value?.header?.revision, 2n);
  const end = answers.next();
  peer.socket.end();
  await assert.rejects(soon("the end", end), /the peer closed the connection/);
  assert.equal(scene.requests, 2);
});

ioTest("a watch that its signal ends is taken back from the member", async () => {
  await using scene = await Scene.of(1);
  const stop = new AbortController();
  const reason = new Error("nobody waits");
  const answers = scene.client.watch(RANGE, { from: 1n, ...CALM, signal: stop.signal });
  const first = answers.next();
  const peer = await scene.peer();
  await peer.asked(1);
  peer.send(head(1), data(1, watched(1)));
  await first;
  assert.equal(peer.hasEnded(1), false);
  const waiting = answers.next();
  stop.abort(reason);
  await assert.rejects(waiting, reason);
  await until("the reset", () => peer.resetsOf(1).length > 0);
  assert.deepEqual(peer.resetsOf(1), [ERROR_CODE.cancel]);
});
