// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { ioTest } from "../_support/levels.ts";
import { ChildServer } from "../net/_support/child_server.ts";
import { RawClient } from "../net/_support/raw_client.ts";
import { DIALECTS } from "./_support/dialects.ts";
import { GET_MAX_SAFE } from "./_support/grpc_wire.ts";
import { H2Client } from "./_support/h2_client.ts";
import { EPOCH, startInProcess } from "./_support/in_process.ts";

const PIPELINED = 20;
const CALL = "POST /tsoracle.v1.TsoService/GetTs HTTP/1.1\r\nHost: x\r\n" +
  'Content-Type: application/json\r\nContent-Length: 11\r\n\r\n{"count":1}';

/** A certainty that ends by itself after so many looks at it. */
class Certainty {
  looks = Infinity;

  readonly until = (): number => this.looks-- > 0 ? Infinity : -Infinity;
}

for (const dialect of DIALECTS) {
  ioTest(
    `a grant whose leadership ends before the answer goes out is not given, over ${dialect.name}`,
    async () => {
      const certainty = new Certainty();
      await using server = await startInProcess({
        initial: { kind: "leader", epoch: EPOCH, certainUntil: certainty.until },
        corsOrigins: ["https://app.example"],
      });
      await using client = new H2Client(`http://${server.address}`);
      const ask = async () => dialect.read(await client.call(dialect.request(3)));
      assert.equal((await ask()).kind, "grant");
      certainty.looks = 1;
      const dropped = await ask();
      assert.deepEqual(dropped, {
        kind: "refused",
        code: "failed_precondition",
        message: "not leader",
        hint: new Uint8Array(),
      });
      certainty.looks = Infinity;
      const next = await ask();
      assert(next.kind === "grant");
      assert.equal(
        next.grant.logicalStart,
        6,
        "the dropped block was granted, and is not given again",
      );
    },
  );
}

ioTest("an answer of another method is given although the leadership ended meanwhile", async () => {
  const certainty = new Certainty();
  await using server = await startInProcess({
    initial: { kind: "leader", epoch: EPOCH, certainUntil: certainty.until },
  });
  certainty.looks = 1;
  const answer = await fetch(`http://${server.address}${GET_MAX_SAFE}`);
  assert.notEqual((await answer.json()).maxSafePhysicalMs, "0");
});

ioTest(
  "a process that was paused past its lease grants nothing to requests that waited in its socket",
  async () => {
    const script = new URL("_children/leased_server.ts", import.meta.url);
    await using server = await ChildServer.start({ script });
    await using client = await RawClient.connect(server.port);
    client.send(CALL);
    await client.untilText(/"count":1/);
    server.signal("SIGSTOP");
    client.send(CALL.repeat(PIPELINED));
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    server.signal("SIGCONT");
    const refusals = new RegExp(`(?:failed_precondition[^]*){${PIPELINED}}`);
    const text = await client.untilText(refusals);
    assert.equal(text.match(/"count":1/g)?.length, 1);
  },
);
