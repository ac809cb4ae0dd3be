// SPDX-License-Identifier: Apache-2.0

/** What else the machine did. */
export interface OtherLoad {
  /** Average length of the run queue in the minute before the run. */
  readonly loadAverage: number;
  /** Part of the processors' time in use by others just before the run, 0 to 1. Absent if unknown. */
  readonly busyBefore?: number;
  /** Part of the processors' time during the run that went to other guests of the host, 0 to 1. */
  readonly stolen?: number;
}

/** Time of all processors since the start of the system, in ticks. */
interface CpuTimes {
  readonly total: number;
  readonly idle: number;
  readonly stolen: number;
}

const LOOK_MS = 1_000;

/** Watches for what disturbs a measurement. */
export class QuietWatch {
  readonly #loadAverage: number;
  readonly #before: CpuTimes | undefined;
  readonly #start: CpuTimes | undefined;

  private constructor(loadAverage: number, before?: CpuTimes, start?: CpuTimes) {
    this.#loadAverage = loadAverage;
    this.#before = before;
    this.#start = start;
  }

  /** Looks at the machine for a second while this process does nothing. */
  static async start(): Promise<QuietWatch> {
    const [loadAverage = 0] = Deno.loadavg();
    const before = await readTimes();
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    return new QuietWatch(loadAverage, before, await readTimes());
  }

  /** What there was until now. */
  async result(): Promise<OtherLoad> {
    const [before, start, end] = [this.#before, this.#start, await readTimes()];
    const loadAverage = this.#loadAverage;
    if (before === undefined || start === undefined || end === undefined) return { loadAverage };
    return {
      loadAverage,
      busyBefore: 1 - (start.idle - before.idle) / (start.total - before.total),
      stolen: (end.stolen - start.stolen) / (end.total - start.total),
    };
  }
}

/** The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal. */
async function readTimes(): Promise<CpuTimes | undefined> {
  const text = await Deno.readTextFile("/proc/stat").catch(() => undefined);
  const ticks = text?.split("\n")[0]?.trim().split(/\s+/).slice(1, 9).map(Number);
  if (ticks === undefined) return undefined;
  const [, , , idle = 0, ioWait = 0, , , stolen = 0] = ticks;
  const total = ticks.reduce((sum, each) => sum + each, 0);
  return { total, idle: idle + ioWait, stolen };
}
