// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { epochToHalves } from "../../src/core/epoch.ts";
import { GetTsResponseSchema } from "../../src/gen/tsoracle/v1/tso_pb.ts";
import { makeCertificates } from "../_support/certs.ts";
import { ioTest } from "../_support/levels.ts";
import type { Dialect } from "./_support/dialects.ts";
import { DIALECTS } from "./_support/dialects.ts";
import type { Send } from "./_support/exchange.ts";
import { GET_MAX_SAFE, GET_TS } from "./_support/grpc_wire.ts";
import { H1Client } from "./_support/h1_client.ts";
import { H2Client } from "./_support/h2_client.ts";
import type { InProcessOptions } from "./_support/in_process.ts";
import {
  EPOCH,
  FOLLOWER,
  HINT_HEX,
  NOW_MS,
  startInProcess,
  UNKNOWN,
} from "./_support/in_process.ts";

/** A way to reach the server. */
interface Lane {
  readonly http: "h1" | "h2";
  readonly tls: boolean;
}

const LANES: readonly Lane[] = [
  { http: "h1", tls: false },
  { http: "h1", tls: true },
  { http: "h2", tls: false },
  { http: "h2", tls: true },
];

function laneName({ http, tls }: Lane): string {
  return `${http === "h1" ? "HTTP/1.1" : "HTTP/2"} ${tls ? "over TLS" : "in cleartext"}`;
}

/** Starts a server, runs `body` with a client on the lane, and closes both. */
async function onLane(
  { http, tls }: Lane,
  options: InProcessOptions,
  body: (send: Send) => Promise<void>,
): Promise<void> {
  const { caPem, server: { certPem, keyPem } } = await makeCertificates();
  await using server = await startInProcess({
    ...options,
    ...(tls ? { tls: { certPem, keyPem } } : {}),
  });
  const origin = `${tls ? "https" : "http"}://${server.address}`;
  const trust = tls ? { caPem } : undefined;
  if (http === "h1") {
    using client = new H1Client(origin, trust);
    await body((exchange) => client.call(exchange));
  } else {
    await using client = new H2Client(origin, trust);
    await body((exchange) => client.call(exchange));
  }
}

/** The block that fits, the one that fills the millisecond, and the one that takes the next. */
const BLOCKS = [
  { ms: NOW_MS, logicalStart: 0, count: 2 },
  { ms: NOW_MS, logicalStart: 2, count: 262_142 },
  { ms: NOW_MS + 1, logicalStart: 0, count: 262_144 },
] as const;

async function grants(dialect: Dialect, send: Send): Promise<void> {
  const { hi: epochHi, lo: epochLo } = epochToHalves(EPOCH);
  for (const { ms, logicalStart, count } of BLOCKS) {
    const meaning = dialect.read(await send(dialect.request(count)));
    assert.equal(meaning.kind, "grant");
    const expected = { physicalMs: BigInt(ms), logicalStart, count, epochHi, epochLo };
    assert.deepEqual(meaning.grant, create(GetTsResponseSchema, expected));
  }
}

async function refusals(dialect: Dialect, send: Send): Promise<void> {
  const cases = [[0, "count must be >= 1"], [262_145, "invalid count: 262145"]] as const;
  for (const [count, message] of cases) {
    assert.deepEqual(dialect.read(await send(dialect.request(count))), {
      kind: "refused",
      code: "invalid_argument",
      message,
      hint: undefined,
    });
  }
}

async function hints(dialect: Dialect, send: Send): Promise<void> {
  const meaning = dialect.read(await send(dialect.request(262_145)));
  assert.deepEqual(meaning, {
    kind: "refused",
    code: "failed_precondition",
    message: "not leader",
    hint: new Uint8Array(Buffer.from(HINT_HEX, "hex")),
  });
}

async function hintsNobody(dialect: Dialect, send: Send): Promise<void> {
  const meaning = dialect.read(await send(dialect.request(1)));
  assert.equal(meaning.kind, "refused");
  assert.equal(meaning.code, "failed_precondition");
  assert.deepEqual(meaning.hint, new Uint8Array());
}

for (const dialect of DIALECTS) {
  for (const lane of LANES.filter(({ http }) => http === "h2" || dialect.overHttp1)) {
    const name = `${dialect.name} on ${laneName(lane)}`;
    ioTest(`${name} carries grants exactly, refusals with code and sentence`, async () => {
      await onLane(lane, {}, async (send) => {
        await grants(dialect, send);
        await refusals(dialect, send);
      });
    });
    ioTest(`${name} carries the leader hint, also one that is empty`, async () => {
      await onLane(lane, { initial: FOLLOWER }, (send) => hints(dialect, send));
      await onLane(lane, { initial: UNKNOWN }, (send) => hintsNobody(dialect, send));
    });
  }
}

for (const lane of LANES) {
  ioTest(
    `GET on ${laneName(lane)} answers the safe point in JSON, zero fields visible`,
    async () => {
      const query = `?connect=v1&encoding=json&message=${encodeURIComponent("{}")}`;
      const get = { method: "GET", path: GET_MAX_SAFE, headers: {} };
      await onLane(lane, { initial: FOLLOWER }, async (send) => {
        for (const path of [GET_MAX_SAFE, `${GET_MAX_SAFE}${query}`]) {
          const { status, body } = await send({ ...get, path });
          assert.equal(status, 200);
          const expected = { maxSafePhysicalMs: "0", epochHi: "0", epochLo: "0" };
          assert.deepEqual(JSON.parse(new TextDecoder().decode(body)), expected);
        }
      });
    },
  );

  ioTest(`gRPC-Web-text on ${laneName(lane)} is refused: it is not spoken here`, async () => {
    await onLane(lane, {}, async (send) => {
      const headers = { "content-type": "application/grpc-web-text" };
      const body = new TextEncoder().encode("AAAAAAIIAg==");
      const answer = await send({ method: "POST", path: GET_TS, headers, body });
      assert.equal(answer.status, 415);
      assert.match(new TextDecoder().decode(answer.body), /application\/grpc-web\+proto/);
    });
  });
}
