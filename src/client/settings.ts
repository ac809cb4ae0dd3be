// SPDX-License-Identifier: Apache-2.0

import { UINT32_MAX } from "../core/integer_limits.ts";
import type { Clock } from "../core/clock.ts";
import { SystemClock } from "../clock/system_clock.ts";
import { LONGEST_TIMER_MS } from "../core/timer_limit.ts";
import type { ClientTlsOptions, ConnectChannel } from "./channels/channel.ts";
import { asksForTls, configuredAddress } from "./leader/endpoint_address.ts";
import type { EndpointAddress, TlsSetting } from "./leader/endpoint_address.ts";
import { TsoClientError } from "./errors.ts";
import { NO_CLIENT_METRICS } from "./metrics.ts";
import type { ClientMetrics } from "./metrics.ts";
import type { ClientOptions, RetryOptions } from "./options.ts";

/** Options of a client with every default filled in. Durations are in milliseconds. */
export interface ClientSettings {
  /** The servers to begin with: at least one, none twice. */
  readonly endpoints: readonly EndpointAddress[];
  /** How endpoints that only a hint names are reached. */
  readonly hints: TlsSetting;
  /** Most batches under way. */
  readonly maxInFlight: number;
  /** Most callers that wait for a batch to leave. */
  readonly maxQueued: number;
  /** How a call is retried. */
  readonly retry: Required<RetryOptions>;
  /** How long a leader is remembered, and a server that went back avoided. */
  readonly leaderTtlMs: number;
  /** Opens channels. */
  readonly connect: ConnectChannel;
  /** Where to report to. */
  readonly metrics: ClientMetrics;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Random numbers of 0 to below 1. */
  readonly random: () => number;
}

/**
 * Longest attempt, 24 hours: a server refuses longer deadlines, and the header that carries one to it has
 * eight digits of milliseconds.
 */
const LONGEST_ATTEMPT_MS = 86_400_000;

/**
 * Checks the options and fills in the defaults (behaviour.md 6.4).
 *
 * @param options the user's options
 * @param connect opens channels unless the options say how
 * @throws {TsoClientError} `invalid-argument` naming the option, the rule and the value
 */
export function resolveClientOptions(
  options: ClientOptions,
  connect: ConnectChannel,
): ClientSettings {
  const {
    endpoints,
    tls = false,
    maxInFlight = 2,
    maxQueued = 65_536,
    retry = {},
    leaderTtlMs = 30_000,
    metrics = NO_CLIENT_METRICS,
    clock = new SystemClock(),
    random = Math.random,
  } = options;
  checkWhole("maxInFlight", maxInFlight, { min: 1, max: UINT32_MAX });
  checkWhole("maxQueued", maxQueued, { min: 1, max: UINT32_MAX });
  checkMs("leaderTtlMs", leaderTtlMs, { min: 1, max: LONGEST_TIMER_MS });
  if (!Array.isArray(endpoints) || endpoints.length === 0) {
    refuse("endpoints", "a list of at least one address", endpoints);
  }
  const setting = tlsSetting(tls);
  return {
    endpoints: resolveEndpoints(endpoints, setting),
    // A client that was told to speak TLS to one server speaks it to every server that it hears of.
    hints: { ...setting, secure: setting.secure || endpoints.some(asksForTls) },
    maxInFlight,
    maxQueued,
    retry: resolveRetry(retry),
    leaderTtlMs,
    connect: options.connect ?? connect,
    metrics,
    clock,
    random,
  };
}

function tlsSetting(tls: boolean | ClientTlsOptions): TlsSetting {
  if (typeof tls === "boolean") return { secure: tls, tls: undefined };
  // The values are secrets, so the message shows none.
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    const given = tls.cert === undefined ? "key" : "cert";
    refuse("tls", "a certificate with its key, or neither", `only ${given}`);
  }
  return { secure: true, tls };
}

function resolveRetry(options: RetryOptions): Required<RetryOptions> {
  const {
    maxAttempts = 5,
    attemptTimeoutMs = 2_000,
    timeoutMs = 10_000,
    baseBackoffMs = 50,
  } = options;
  checkWhole("retry.maxAttempts", maxAttempts, { min: 1, max: UINT32_MAX });
  checkMs("retry.attemptTimeoutMs", attemptTimeoutMs, { min: 1, max: LONGEST_ATTEMPT_MS });
  checkMs("retry.timeoutMs", timeoutMs, { min: 1, max: LONGEST_TIMER_MS });
  checkMs("retry.baseBackoffMs", baseBackoffMs, { min: 1, max: LONGEST_TIMER_MS });
  return { maxAttempts, attemptTimeoutMs, timeoutMs, baseBackoffMs };
}

/** Reads the addresses; one that is named twice in the same way counts once. */
function resolveEndpoints(
  texts: readonly string[],
  setting: TlsSetting,
): readonly EndpointAddress[] {
  const addresses = new Map<string, EndpointAddress>();
  for (const text of texts) {
    const address = readEndpoint(text, setting);
    const { name, origin } = address;
    const origins = addresses.get(name)?.origin ?? origin;
    if (origins !== origin) refuse("endpoints", `either ${origins} or ${origin}`, texts);
    addresses.set(name, address);
  }
  return [...addresses.values()];
}

function readEndpoint(text: string, setting: TlsSetting): EndpointAddress {
  if (typeof text !== "string") refuse("endpoints", "a list of texts, each host:port", text);
  try {
    return configuredAddress(text, setting);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TsoClientError("invalid-argument", `${why} (option 'endpoints')`, { cause });
  }
}

interface Range {
  readonly min: number;
  readonly max: number;
}

function checkWhole(name: string, value: number, { min, max }: Range): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  refuse(name, `a whole number from ${min} to ${max}`, value);
}

function checkMs(name: string, value: number, { min, max }: Range): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  refuse(name, `a whole number of milliseconds from ${min} to ${max}`, value);
}

function refuse(name: string, rule: string, value: unknown): never {
  throw new TsoClientError(
    "invalid-argument",
    `Cannot make a client as '${name}' must be ${rule}: current value is ${textOf(value)}`,
  );
}

function textOf(value: unknown): string {
  return typeof value === "number" ? String(value) : JSON.stringify(value) ?? String(value);
}
