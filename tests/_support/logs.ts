// SPDX-License-Identifier: Apache-2.0

import { configure, reset } from "@logtape/logtape";
import type { LogRecord } from "@logtape/logtape";

/** Log records of the oracle while it is in scope. */
export interface RecordedLogs extends AsyncDisposable {
  readonly records: LogRecord[];
}

/** Records what the oracle logs, until it is disposed. */
export async function recordLogs(): Promise<RecordedLogs> {
  const records: LogRecord[] = [];
  await configure({
    reset: true,
    sinks: { records: (record) => void records.push(record) },
    loggers: [
      { category: "tsoracle", sinks: ["records"], lowestLevel: "trace" },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  return { records, [Symbol.asyncDispose]: () => reset() };
}
