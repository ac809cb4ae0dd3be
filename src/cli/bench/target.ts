// SPDX-License-Identifier: Apache-2.0

import type { ReceivedRange } from "../../testing/history_checker.ts";

/** What is put under load. */
export interface Target {
  /** Answers that it has thrown away because they went behind what had been received before. */
  readonly wentBack: number;
  /**
   * Asks for timestamps, 1 or more. It rejects if they are not given.
   *
   * @returns their ends, and as the length how many were asked for
   */
  getTs(count: number): Promise<ReceivedRange>;
}
