// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { ioTest } from "../_support/levels.ts";
import { goaway, head, trailers } from "../http2/_support/memory_server.ts";
import { data } from "../net/_support/h2_frames.ts";
import { soon, until } from "../net/_support/until.ts";
import { ScriptedServer } from "./_support/scripted_server.ts";
import { Caller, openRequest, txnAnswer, watched } from "./_support/watching.ts";

ioTest(
  "after a goodbye a stream and a call go on to their ends, and others dial anew",
  async () => {
    await using server = await ScriptedServer.start();
    using caller = new Caller(server.origin);
    const stop = new AbortController();
    const answers = caller.watch.watch(openRequest(stop.signal), stop)[Symbol.asyncIterator]();
    const first = answers.next();
    const peer = await server.peer();
    await peer.asked(1);
    const txn = caller.kv.txn({});
    await peer.asked(3);
    peer.send(head(1), data(1, watched(1)), goaway(3));
    assert.equal((await soon("an answer", first)).value.header?.revision, 1n);
    const later = caller.kv.txn({});
    const next = await server.peer(1);
    await next.asked(1);
    next.send(txnAnswer(1));
    assert.equal((await soon("the later call", later)).succeeded, true);
    peer.send(txnAnswer(3));
    assert.equal((await soon("the call", txn)).succeeded, true);
    peer.send(data(1, watched(2)));
    assert.equal((await soon("an answer", answers.next())).value.header?.revision, 2n);
    assert.equal(peer.isClosed, false);
    peer.send(trailers(1));
    assert.equal((await soon("the end", answers.next())).done, true);
    await until("the end of the connection", () => peer.isClosed);
    assert.deepEqual([...peer.paths.keys()], [1, 3]);
    assert.deepEqual(server.peers.length, 2);
    stop.abort();
  },
);

/** A watch that has had an answer, on a connection that has said goodbye since. */
async function watchPastGoodbye(server: ScriptedServer, caller: Caller, signal: AbortSignal) {
  const answers = caller.watch.watch(openRequest(signal))[Symbol.asyncIterator]();
  const first = answers.next();
  const peer = await server.peer();
  await peer.asked(1);
  peer.send(head(1), data(1, watched(1)), goaway(1));
  await soon("an answer", first);
  return { answers, peer };
}

ioTest("close() also ends what is under way on a connection that has said goodbye", async () => {
  await using server = await ScriptedServer.start();
  using caller = new Caller(server.origin);
  const stop = new AbortController();
  const { answers } = await watchPastGoodbye(server, caller, stop.signal);
  await soon("another session", caller.connection.session());
  const waiting = answers.next();
  caller.connection.close();
  await assert.rejects(soon("the end", waiting), /the connection was closed/);
  await until("the end of the connections", () => server.peers.every(({ isClosed }) => isClosed));
  assert.equal(server.peers.length, 2);
  stop.abort();
});

ioTest("probe() also ends a connection that has said goodbye, if its peer is gone", async () => {
  await using server = await ScriptedServer.start();
  using caller = new Caller(server.origin, { pongTimeoutMs: 100 });
  const stop = new AbortController();
  const { answers, peer } = await watchPastGoodbye(server, caller, stop.signal);
  const later = await soon("another session", caller.connection.session());
  peer.isAlive = false;
  const waiting = answers.next();
  await caller.connection.probe();
  await assert.rejects(soon("the end", waiting), /did not answer a ping within 100 ms/);
  assert.equal(caller.connection.ready, later);
  stop.abort();
});
