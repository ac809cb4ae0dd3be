// SPDX-License-Identifier: Apache-2.0

/** A parsed scrape. */
export interface Exposition {
  /** Metric name to `counter`, `gauge` or `histogram`. */
  readonly types: Map<string, string>;
  /** Series, with its labels as written, to its value. */
  readonly samples: Map<string, number>;
}

/** Parses the Prometheus text format strictly: a line that is neither a comment nor a sample throws. */
export function parseExposition(page: string): Exposition {
  const types = new Map<string, string>();
  const samples = new Map<string, number>();
  for (const line of page.split("\n")) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type !== null) {
      types.set(type[1] ?? "", type[2] ?? "");
      continue;
    }
    if (line === "" || line.startsWith("# HELP ")) continue;
    const sample = /^([a-z_]+(?:\{[^}]*\})?) (\S+)$/.exec(line);
    const value = sample?.[2] === "+Inf" ? Infinity : Number(sample?.[2]);
    if (sample === null || Number.isNaN(value)) {
      throw new SyntaxError(`Cannot parse the line ${JSON.stringify(line)}`);
    }
    samples.set(sample[1] ?? "", value);
  }
  return { types, samples };
}
