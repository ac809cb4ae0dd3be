// SPDX-License-Identifier: Apache-2.0

import type { LogRecord, TextFormatter } from "@logtape/logtape";
import {
  configureSync,
  getJsonLinesFormatter,
  getTextFormatter,
  resetSync,
} from "@logtape/logtape";

/** How much is logged, from everything to nothing. */
export const LOG_LEVELS = ["trace", "debug", "info", "warning", "error", "off"] as const;
/** One of {@linkcode LOG_LEVELS}. */
export type LogVerbosity = typeof LOG_LEVELS[number];

/** How log lines look: for people, or one JSON object for each line. */
export const LOG_FORMATS = ["text", "json"] as const;
/** One of {@linkcode LOG_FORMATS}. */
export type LogFormat = typeof LOG_FORMATS[number];

/** LogTape writes a bigint as a string here, and an error with its causes. */
const JSON_LINES: TextFormatter = getJsonLinesFormatter({
  categorySeparator: ".",
  properties: "flatten",
});

const TEXT_LINES: TextFormatter = getTextFormatter({
  timestamp: "rfc3339",
  level: "full",
  category: ".",
  value: inMessage,
  format: ({ timestamp, level, category, message, record }) =>
    `${timestamp} ${level} ${category}: ${message}${fields(record)}`,
});

/** Options of {@linkcode startLogging}. */
export interface LoggingOptions {
  /** Takes the lines, each with its line end. */
  readonly write: (text: string) => void;
  /**
   * The least severe level that is written.
   *
   * @default {"info"}
   */
  readonly level?: LogVerbosity;
  /**
   * What a line looks like.
   *
   * @default {"text"}
   */
  readonly format?: LogFormat;
}

/**
 * Sends the logs of the whole process to one place. For programs, not for libraries: an embedder
 * configures LogTape in its own way, and the categories start with `tsoracle`.
 *
 * @returns ends the logging
 */
export function startLogging(options: LoggingOptions): () => void {
  const { write, level = "info", format = "text" } = options;
  const render = format === "json" ? JSON_LINES : TEXT_LINES;
  const lowestLevel = level === "off" ? null : level;
  configureSync({
    reset: true,
    sinks: { out: (record) => write(render(record)) },
    loggers: [
      { category: ["tsoracle"], sinks: ["out"], lowestLevel },
      { category: ["logtape", "meta"], sinks: ["out"], lowestLevel: "error" },
    ],
  });
  return resetSync;
}

/** What the message does not show already. */
function fields(record: LogRecord): string {
  const template = typeof record.rawMessage === "string" ? record.rawMessage : "";
  return Object.entries(record.properties)
    .filter(([name]) => !template.includes(`{${name}}`))
    .map(([name, value]) => ` ${name}=${textOf(value)}`)
    .join("");
}

function inMessage(value: unknown): string {
  if (value instanceof Error) return onOneLine(causes(value));
  return typeof value === "string" ? onOneLine(value) : textOf(value);
}

function textOf(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(causes(value));
  if (typeof value === "string") {
    return /^[^\s"=\p{C}]+$/u.test(value) ? value : JSON.stringify(value);
  }
  if (typeof value !== "object" || value === null) return String(value);
  return JSON.stringify(value, (_, inner) => typeof inner === "bigint" ? String(inner) : inner);
}

/** The error and what caused it, unless it says so itself; three deep is as far as a person reads. */
function causes(error: Error, depth = 3): string {
  const { cause } = error;
  const own = `${error.name}: ${error.message}`;
  if (!(cause instanceof Error) || depth === 0 || own.includes(cause.message)) return own;
  return `${own}; caused by ${causes(cause, depth - 1)}`;
}

function onOneLine(text: string): string {
  return text.replace(/\p{C}+/gu, " ");
}
