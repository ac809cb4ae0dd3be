// SPDX-License-Identifier: Apache-2.0

import { MAX_COUNT } from "../../core/timestamp.ts";
import { CLIENT_FLAGS } from "../client/client_flags.ts";
import { JSON_FLAG } from "../common.ts";
import type { Settings } from "../flag.ts";
import { optionalFlag, valueFlag } from "../flag.ts";
import { durationFrom, wholeNumber } from "../values.ts";

/** Callers at most; each of them is a promise or two. */
const MAX_CALLERS = 65_536;

/** Faster than any process can begin calls. */
const MAX_RATE = 10_000_000;

const LOAD_FLAGS = {
  callers: valueFlag("callers", {
    placeholder: "N",
    fallback: "16",
    fromEnvironment: false,
    summary: "callers, each of which asks again when it has its answer",
    parse: wholeNumber(1, MAX_CALLERS),
  }),
  rate: optionalFlag("rate", {
    placeholder: "N",
    fromEnvironment: false,
    summary: "instead of callers: begin so many calls per second, whatever comes of the others",
    parse: wholeNumber(1, MAX_RATE),
  }),
  maxOutstanding: valueFlag("max-outstanding", {
    placeholder: "N",
    fallback: "10000",
    fromEnvironment: false,
    summary: "with --rate: calls under way at most; those due beyond it are counted instead",
    parse: wholeNumber(1, MAX_CALLERS),
  }),
  batch: valueFlag("batch", {
    placeholder: "N",
    fallback: "1",
    fromEnvironment: false,
    summary: `timestamps of each call, 1 to ${MAX_COUNT}`,
    parse: wholeNumber(1, MAX_COUNT),
  }),
  durationMs: valueFlag("duration", {
    placeholder: "DURATION",
    fallback: "10s",
    fromEnvironment: false,
    summary: "how long to measure",
    parse: durationFrom(1),
  }),
  warmUpMs: valueFlag("warmup", {
    placeholder: "DURATION",
    fallback: "2s",
    fromEnvironment: false,
    summary: "how long to call before that; it counts for the check of the order only",
    parse: durationFrom(0),
  }),
  maxInFlight: valueFlag("max-in-flight", {
    placeholder: "N",
    fallback: "2",
    fromEnvironment: false,
    summary: "requests of the client under way at most; callers of the same moment share one",
    parse: wholeNumber(1, MAX_CALLERS),
  }),
} as const;

/** The flags of `tsoracle bench`. What shapes the load is said on the command line, not in the environment. */
export const BENCH_FLAGS = { ...LOAD_FLAGS, json: JSON_FLAG, ...CLIENT_FLAGS } as const;

/** The settings of `tsoracle bench`. */
export type BenchSettings = Settings<typeof BENCH_FLAGS>;
