// SPDX-License-Identifier: Apache-2.0

import type { TsoClient } from "../../client/mod.ts";
import { SystemClock } from "../../clock/system_clock.ts";
import { ClientTarget, WentBackCounter } from "../bench/client_target.ts";
import type { BenchSettings } from "../bench/flags.ts";
import { BENCH_FLAGS } from "../bench/flags.ts";
import type { ClosedLoop, LoadOptions, OpenLoop } from "../bench/load_options.ts";
import { progressLine, reportJson, reportTable } from "../bench/render.ts";
import type { LoadReport } from "../bench/run_load.ts";
import { runLoad } from "../bench/run_load.ts";
import type { Target } from "../bench/target.ts";
import { withClient } from "../client/with_client.ts";
import type { Invocation } from "../command.ts";
import { defineCommand } from "../command.ts";
import { refuseOperands } from "../common.ts";
import type { CliContext, StopSignal } from "../context.ts";
import { CommandError, EXIT, UsageError } from "../errors.ts";
import { listenForStop } from "../serve/stop_requests.ts";

/** Callers of the client that may always wait for a batch to leave. */
const MIN_QUEUE = 65_536;

/** Above it the p99 of the answers is not that of the calls. */
const MAX_ERROR_RATE = 0.01;

/** `tsoracle bench`. */
export const BENCH_COMMAND = defineCommand({
  name: "bench",
  operands: "",
  summary: "Put running servers under load, measure, and check every answer",
  examples: [
    { line: "tsoracle bench", effect: "16 callers for 10 s against the server on this machine" },
    {
      line: "tsoracle bench --callers 1024 --duration 30s --json",
      effect: "as much as 1024 callers can get, as a JSON object",
    },
    {
      line: "tsoracle bench --rate 5000",
      effect: "how long calls take when 5000 of them come each second",
    },
    {
      line: "tsoracle bench --endpoint tso.example:50551 --tls --batch 64",
      effect: "over TLS, 64 timestamps a call",
    },
  ],
  notes: [
    "Callers share one client, as they would in a program, so a request carries many calls; latencies are those of calls.",
    "With --rate the latency of a call counts from when it was due, so a pause of the server is felt by every call that fell into it.",
    "Every answer is checked: no value twice, and none that is not above all that had been received before its call began. A violation ends with code 3.",
    "Ends with 1 if no call was answered, or more than 1 % of them were not.",
    "SIGINT or SIGTERM ends it early with the figures so far; a second one gives up the calls under way.",
  ],
  flags: BENCH_FLAGS,
  async body(invocation) {
    const { settings, operands, context } = invocation;
    refuseOperands("bench", operands);
    const loop = readLoop(invocation);
    const stop = listenForStop(context.signals);
    const [ending, abandoning] = [new AbortController(), new AbortController()];
    let forced: StopSignal | undefined;
    void stop.first.then(() => ending.abort());
    void stop.second.then((signal) => {
      forced = signal;
      abandoning.abort();
    });
    const [signal, abandon] = [ending.signal, abandoning.signal];
    try {
      const code = await measure({ settings, loop, signal, abandon, context });
      return forced === undefined ? code : EXIT[forced];
    } finally {
      stop.unsubscribe();
    }
  },
});

function readLoop({ settings, given }: Invocation<typeof BENCH_FLAGS>): ClosedLoop | OpenLoop {
  const { callers, rate, maxOutstanding } = settings;
  if (rate === undefined) {
    if (given.maxOutstanding.source === "default") return { kind: "closed", callers };
    throw new UsageError(
      "Cannot use --max-outstanding without --rate: callers that wait for their answers have one call each",
    );
  }
  if (given.callers.source === "default") return { kind: "open", perSecond: rate, maxOutstanding };
  throw new UsageError(
    "Cannot use --callers with --rate: a rate begins calls whoever waits; --max-outstanding bounds them",
  );
}

interface MeasureOptions {
  readonly settings: BenchSettings;
  readonly loop: ClosedLoop | OpenLoop;
  readonly signal: AbortSignal;
  readonly abandon: AbortSignal;
  readonly context: CliContext;
}

function measure(options: MeasureOptions): Promise<number> {
  const { settings } = options;
  const { maxInFlight, callers, maxOutstanding } = settings;
  const metrics = new WentBackCounter();
  const maxQueued = Math.max(MIN_QUEUE, callers, maxOutstanding);
  const tuning = { maxInFlight, maxQueued, metrics };
  return withClient({ settings, goal: "get timestamps", tuning }, async (client) => {
    await askOnce(client, options.signal);
    return await putUnderLoad(new ClientTarget(client, metrics), options);
  });
}

/** A server that does not answer at all is an error, and no measurement. */
async function askOnce(client: TsoClient, signal: AbortSignal): Promise<void> {
  await client.getTs({ signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
    throw new CommandError("Cannot measure: it was ended before the first answer came");
  });
}

async function putUnderLoad(target: Target, options: MeasureOptions): Promise<number> {
  const { settings, loop, signal, abandon, context } = options;
  const { batch, warmUpMs, durationMs } = settings;
  const report = await runLoad(target, {
    loop,
    batch,
    warmUpMs,
    durationMs,
    signal,
    abandon,
    clock: new SystemClock(),
    onProgress: progressTo(context),
  });
  const plan = { loop, batch, warmUpMs };
  context.stdout.write(settings.json ? reportJson(report, plan) : reportTable(report, plan));
  return abandon.aborted ? EXIT.ok : exitCode(report);
}

function progressTo(context: CliContext): NonNullable<LoadOptions["onProgress"]> {
  let before: Parameters<typeof progressLine>[1];
  return (progress) => {
    context.stderr.write(progressLine(progress, before));
    before = progress;
  };
}

function exitCode(report: LoadReport): number {
  const { calls, errorRate, endedEarly } = report;
  if (report.violations + report.wentBack > 0) return EXIT.violation;
  if (errorRate > MAX_ERROR_RATE) {
    throw new CommandError(
      calls === 0
        ? "Cannot measure: no call was answered within the time; see 'failed'"
        : `Cannot vouch for these figures: ${
          (errorRate * 100).toFixed(1)
        } % of the calls have no answer, and 1 % may; see 'failed'`,
    );
  }
  if (calls > 0 || endedEarly) return EXIT.ok;
  throw new CommandError("Cannot measure: no call ended within the time; raise --duration");
}
