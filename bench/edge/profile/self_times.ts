// SPDX-License-Identifier: Apache-2.0

/** What V8's profiler writes, as far as it is used here. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Ids of the nodes that were at the top of the stack, sample by sample. */
  readonly samples: readonly number[];
  /** Microseconds since the sample before. */
  readonly timeDeltas: readonly number[];
}

/** A function in one place of the call tree. */
export interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    /** Counted from 0. */
    readonly lineNumber: number;
  };
}

/** What a function took by itself, without those that it called. */
export interface SelfTime {
  /** Its name, file and line. */
  readonly place: string;
  /** Part of the time in which the process was not idle, 0 to 1. */
  readonly share: number;
}

const IDLE = "(idle)";

/** Sums up a profile by function, the most expensive first. */
export function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): readonly SelfTime[] {
  const places = new Map(nodes.map((node) => [node.id, placeOf(node)]));
  const spent = new Map<string, number>();
  samples.forEach((id, index) => {
    const place = places.get(id) ?? IDLE;
    spent.set(place, (spent.get(place) ?? 0) + (timeDeltas[index] ?? 0));
  });
  spent.delete(IDLE);
  const total = [...spent.values()].reduce((sum, time) => sum + time, 0);
  return [...spent].map(([place, time]) => ({ place, share: time / total }))
    .sort((a, b) => b.share - a.share);
}

function placeOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  if (functionName.startsWith("(") && url === "") return functionName;
  const file = url.split("/").at(-1);
  return `${functionName || "(anonymous)"} ${file}:${lineNumber + 1}`;
}
