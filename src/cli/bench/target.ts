// SPDX-License-Identifier: Apache-2.0

import type { ReceivedRange } from "../../testing/mod.ts";

/** What is put under load. */
export interface Target {
  /** Asks for timestamps, 1 or more. It rejects if they are not given. */
  getTs(count: number): Promise<ReceivedRange>;
  /** Ends it. Calls under way fail. */
  close(): Promise<void> | void;
}
