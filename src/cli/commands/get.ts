// SPDX-License-Identifier: Apache-2.0

import { epochFromHalves } from "../../core/epoch.ts";
import { MAX_COUNT, packTimestamp } from "../../core/timestamp.ts";
import type { GetTsResponse } from "../../gen/tsoracle/v1/tso_pb.ts";
import { defineCommand } from "../command.ts";
import { JSON_FLAG, refuseOperands } from "../common.ts";
import { EXIT } from "../errors.ts";
import { optionalFlag, switchFlag, valueFlag } from "../flag.ts";
import { callGetTs } from "../get/call.ts";
import { readTarget } from "../get/target.ts";
import { durationFrom, parsePath, parseServerAddress, wholeNumber } from "../values.ts";

/** `tsoracle get`. */
export const GET_COMMAND = defineCommand({
  name: "get",
  operands: "",
  summary: "Ask a running server for timestamps",
  examples: [
    { line: "tsoracle get", effect: "one timestamp from the server on this machine" },
    { line: "tsoracle get --count 3", effect: "three timestamps, one on each line" },
    { line: "tsoracle get --count 1000 --range", effect: "first and last of a block, on one line" },
    {
      line: "tsoracle get --endpoint tso.example:50551 --tls-ca ca.pem --json",
      effect: "over TLS, as a JSON object",
    },
  ],
  notes: [
    "Each timestamp is printed as one decimal number of 64 bits; 'tsoracle decode' takes it apart.",
    "The timestamps of one call are consecutive: N, N+1 and so on.",
  ],
  flags: {
    count: valueFlag("count", {
      placeholder: "N",
      fallback: "1",
      fromEnvironment: false,
      summary: `how many timestamps to ask for, 1 to ${MAX_COUNT}`,
      parse: wholeNumber(1, MAX_COUNT),
    }),
    range: switchFlag("range", "print only the first and the last timestamp, on one line", {
      fromEnvironment: false,
    }),
    json: JSON_FLAG,
    endpoint: valueFlag("endpoint", {
      placeholder: "HOST:PORT",
      fallback: "127.0.0.1:50551",
      summary: "the server to ask",
      parse: parseServerAddress,
    }),
    timeoutMs: valueFlag("timeout", {
      placeholder: "DURATION",
      fallback: "5s",
      summary: "how long to wait for the answer",
      parse: durationFrom(1),
    }),
    tls: switchFlag("tls", "speak TLS and trust the authorities of this system"),
    tlsCa: optionalFlag("tls-ca", {
      placeholder: "FILE",
      summary: "speak TLS and trust this authority, PEM",
      parse: parsePath,
    }),
    clientCert: optionalFlag("client-cert", {
      placeholder: "FILE",
      summary: "own certificate for a server that asks for one, PEM; needs --client-key",
      parse: parsePath,
    }),
    clientKey: optionalFlag("client-key", {
      placeholder: "FILE",
      summary: "key of --client-cert, PEM",
      parse: parsePath,
    }),
  },
  async body({ settings, operands, context }) {
    refuseOperands("get", operands);
    const target = await readTarget(settings);
    const response = await callGetTs(target, settings);
    context.stdout.write(render(response, settings));
    return EXIT.ok;
  },
});

interface RenderOptions {
  readonly json: boolean;
  readonly range: boolean;
}

function render(response: GetTsResponse, options: RenderOptions): string {
  const physicalMs = Number(response.physicalMs);
  const { logicalStart, count } = response;
  const first = packTimestamp(physicalMs, logicalStart);
  const last = packTimestamp(physicalMs, logicalStart + count - 1);
  if (options.json) {
    const epoch = String(epochFromHalves({ hi: response.epochHi, lo: response.epochLo }));
    const block = { first: String(first), last: String(last), count };
    return `${JSON.stringify({ ...block, physicalMs, logicalStart, epoch })}\n`;
  }
  if (options.range) return `${first} ${last}\n`;
  return Array.from({ length: count }, (_, index) => `${first + BigInt(index)}\n`).join("");
}
