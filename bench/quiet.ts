// SPDX-License-Identifier: Apache-2.0

/** What else the machine did. */
export interface OtherLoad {
  /** Average length of the run queue in the minute before the run. */
  readonly loadAverage: number;
  /** Part of the processors' time that other processes used during the run, 0 to 1. Absent if unknown. */
  readonly others?: number;
  /** Part of the processors' time during the run that went to other guests of the host, 0 to 1. */
  readonly stolen?: number;
}

/** Times since the start of the system, in ticks. */
interface CpuTimes {
  readonly total: number;
  readonly idle: number;
  readonly stolen: number;
  /** What this process and those that it started and that have ended used. */
  readonly own: number;
}

/** Watches for what disturbs a measurement. */
export class QuietWatch {
  readonly #loadAverage: number;
  readonly #start: CpuTimes | undefined;

  private constructor(loadAverage: number, start: CpuTimes | undefined) {
    this.#loadAverage = loadAverage;
    this.#start = start;
  }

  /** Starts to watch. */
  static async start(): Promise<QuietWatch> {
    const [loadAverage = 0] = Deno.loadavg();
    return new QuietWatch(loadAverage, await readTimes());
  }

  /** What there was until now. Every process that was measured must have ended. */
  async result(): Promise<OtherLoad> {
    const [start, end] = [this.#start, await readTimes()];
    const loadAverage = this.#loadAverage;
    if (start === undefined || end === undefined) return { loadAverage };
    const spent = (what: keyof CpuTimes) => end[what] - start[what];
    const others = spent("total") - spent("idle") - spent("stolen") - spent("own");
    return {
      loadAverage,
      others: Math.max(0, others) / spent("total"),
      stolen: spent("stolen") / spent("total"),
    };
  }
}

/** Not on a system without /proc. */
async function readTimes(): Promise<CpuTimes | undefined> {
  const [system, own] = await Promise.all(
    ["/proc/stat", "/proc/self/stat"].map((path) => Deno.readTextFile(path).catch(() => undefined)),
  );
  // user, nice, system, idle, iowait, irq, softirq, steal
  const ticks = system?.split("\n")[0]?.trim().split(/\s+/).slice(1, 9).map(Number);
  if (ticks === undefined || own === undefined) return undefined;
  const [, , , idle = 0, ioWait = 0, , , stolen = 0] = ticks;
  // Fields 14 to 17: user and system time of the process, then of its children.
  const spent = own.slice(own.lastIndexOf(")") + 2).split(" ").slice(11, 15).map(Number);
  return { total: sum(ticks), idle: idle + ioWait, stolen, own: sum(spent) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
