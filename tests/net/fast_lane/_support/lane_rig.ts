// SPDX-License-Identifier: Apache-2.0

import { DeadlineQueue } from "../../../../src/http2/deadline_queue.ts";
import { DateStamp } from "../../../../src/net/date_stamp.ts";
import { AnswerBook } from "../../../../src/net/fast_lane/answer_book.ts";
import { FastLane } from "../../../../src/net/fast_lane/fast_lane.ts";
import { LaneDesk } from "../../../../src/net/fast_lane/lane_desk.ts";
import { ManualClock } from "../../../../src/testing/manual_clock.ts";
import { EchoSink } from "../../../http2/_support/echo.ts";
import { MemoryClient } from "../../../http2/_support/memory_client.ts";

/** How long the lane waits for a call that has begun. */
export const WAIT_MS = 500;

/** A lane in front of an echo: what the lane leaves comes back as it was. */
export class LaneRig implements Disposable {
  readonly counts: number[] = [];
  readonly clock = new ManualClock();
  readonly waits = new DeadlineQueue(WAIT_MS, this.clock);
  readonly echo = new EchoSink();
  /** Whether the oracle grants. */
  grants = true;
  /** The streams that the lane has left to others, and whether they were late. */
  readonly left: [number, boolean][] = [];
  readonly desk = new LaneDesk({
    source: {
      getTsNow: (count) => {
        if (!this.grants) return undefined;
        this.counts.push(count);
        return { kind: "granted", physicalMs: 1_000, logicalStart: 7, count, epoch: 1n };
      },
    },
    waits: this.waits,
    answers: new AnswerBook(new DateStamp(this.clock)),
  });
  readonly lane = new FastLane({
    desk: this.desk,
    giveUp: (stream, isLate) => {
      this.left.push([stream.id, isLate]);
      this.echo.onRequest(stream);
    },
  });
  readonly client = MemoryClient.greeted({
    streams: 100,
    route: (head) => this.lane.route(head) ?? this.echo,
    onReadEnd: () => this.desk.onReadEnd(),
  });

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
    this.waits.clear();
  }
}
