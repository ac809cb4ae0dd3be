// SPDX-License-Identifier: Apache-2.0

import { ValueError } from "./errors.ts";
import { formatDuration, parseDuration } from "./duration.ts";

/** An address to bind. */
export interface ListenAddress {
  /** Host name or address, without the brackets of IPv6. */
  readonly hostname: string;
  /** TCP port, 0 to 65535; 0 takes a free one. */
  readonly port: number;
}

/**
 * Parses an address to bind, such as `127.0.0.1:50551`, `[::1]:50551` or `localhost:0`.
 *
 * @throws {ValueError} if it is not host and port
 */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([^\]\s]+)\]|([^\s:/@?#[\]]+)):([0-9]{1,5})$/.exec(text);
  if (match === null) {
    throw new ValueError("an address is host:port without a scheme, such as 127.0.0.1:50551");
  }
  const port = Number(match[3]);
  if (port > 65_535) throw new ValueError("the port must be 0 to 65535");
  return { hostname: match[1] ?? match[2] ?? "", port };
}

/**
 * Parses the address of a server to call.
 *
 * @throws {ValueError} if it is not host and port, or the port is 0
 */
export function parseServerAddress(text: string): ListenAddress {
  const address = parseListenAddress(text);
  if (address.port > 0) return address;
  throw new ValueError("the port must be 1 to 65535");
}

/**
 * Makes a parser of whole numbers from `min` to `max`. Underscores between digits are allowed.
 */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]+(?:_[0-9]+)*$/.test(text) ? Number(text.replaceAll("_", "")) : NaN;
    if (value >= min && value <= max) return value;
    throw new ValueError(`it must be a whole number from ${min} to ${max}`);
  };
}

/** Makes a parser of durations that refuses those below `minMs` milliseconds. */
export function durationFrom(minMs: number): (text: string) => number {
  return (text) => {
    const ms = parseDuration(text);
    if (ms < minMs) throw new ValueError(`it must be at least ${minMs}ms`);
    return ms;
  };
}

/** Makes a parser of durations from `minMs` to `maxMs` milliseconds. */
export function durationBetween(minMs: number, maxMs: number): (text: string) => number {
  return (text) => {
    const ms = parseDuration(text);
    if (ms >= minMs && ms <= maxMs) return ms;
    throw new ValueError(`it must be ${formatDuration(minMs)} to ${formatDuration(maxMs)}`);
  };
}

/**
 * Parses a fraction between 0 and 1, both excluded: `0.25` or `1/3`.
 *
 * @throws {ValueError} if it is neither form, or out of range
 */
export function parseFraction(text: string): number {
  const parts = /^([0-9]+)\/([0-9]+)$/.exec(text);
  const plain = /^[0-9]*\.?[0-9]+$/.test(text) ? Number(text) : NaN;
  const value = parts === null ? plain : Number(parts[1]) / Number(parts[2]);
  if (value > 0 && value < 1) return value;
  throw new ValueError("it must be a fraction above 0 and below 1, such as 1/3 or 0.25");
}

/** Makes a parser of one of a few words. */
export function oneOf<Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const word = words.find((known) => known === text);
    if (word !== undefined) return word;
    throw new ValueError(`it must be one of ${words.join(", ")}`);
  };
}

/**
 * Takes a path as it is.
 *
 * @throws {ValueError} if it is empty
 */
export function parsePath(text: string): string {
  if (text === "") throw new ValueError("the path is empty");
  return text;
}

/**
 * Parses the origin of a web page, such as `https://app.example`. `*` stands for every origin.
 *
 * @throws {ValueError} if it is not an origin
 */
export function parseOrigin(text: string): string {
  if (text === "*") return text;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.origin === text) return text;
  throw new ValueError("an origin is scheme and host, without a path, such as https://app.example");
}
