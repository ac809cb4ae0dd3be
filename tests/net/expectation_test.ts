// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { EDGE_NAMES } from "../../src/net/edge.ts";
import { ioTest } from "../_support/levels.ts";
import { data, framesOf, hello, openStream, TYPE } from "./_support/h2_frames.ts";
import { RawClient } from "./_support/raw_client.ts";
import { ServerRig } from "./_support/server_rig.ts";
import { until } from "./_support/until.ts";

const GET_TS = "/tsoracle.v1.TsoService/GetTs";
const CALL = Buffer.from("00000000020801", "hex");

for (const edge of EDGE_NAMES) {
  ioTest(`a client that waits with its body is told to send it: ${edge}`, async () => {
    await using rig = await ServerRig.start({ edge });
    // Case means nothing; `node:http2` of Deno has only one.
    const expected = edge === "connect" ? "100-continue" : "100-Continue";
    await using client = await RawClient.connect(rig.port);
    const heads = () => framesOf(client.received).filter(({ type }) => type === TYPE.headers);
    const waits: [string, string][] = [["content-type", "application/grpc"]];
    client.send(
      Buffer.concat([hello(), openStream(1, GET_TS, [...waits, ["expect", expected]])]),
    );
    await until("an interim head", () => heads().length === 1);
    client.send(data(1, CALL, true));
    await until("head and trailers", () => heads().length === 3);
    assert.deepEqual(heads().map(({ flags }) => flags & 1), [0, 0, 1]);
  });
}
