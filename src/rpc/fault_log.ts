// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import { QuietPeriod } from "./quiet_period.ts";

const logger = getLogger(["tsoracle", "rpc"]);

/** Logs faults of ours: the first at once with its cause, then at most one line in ten seconds. */
export class FaultLog {
  readonly #quiet = new QuietPeriod();

  /** Logs the fault, or counts it for the next line. */
  report(error: unknown): void {
    const unreported = this.#quiet.admit();
    if (unreported === undefined) return;
    logger.error("a call failed unexpectedly, the client got INTERNAL: {error}", {
      error,
      unreported,
    });
  }
}
