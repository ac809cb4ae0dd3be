// SPDX-License-Identifier: Apache-2.0

/** Drivers that break one promise each: of the stream of leadership, of certainty, of resignation. */

import type { FollowerEvent, LeadershipEvent } from "../../../src/consensus/driver.ts";
import { PermanentError } from "../../../src/consensus/errors.ts";
import { settle } from "../../../src/testing/manual_clock.ts";
import { ModelNode, SILENCE_MS } from "./model_cluster.ts";

interface StreamOptions {
  readonly signal: AbortSignal;
}

export class AnswersLate extends ModelNode {
  override async *leadershipEvents(options: StreamOptions): AsyncGenerator<LeadershipEvent> {
    await settle(200);
    yield* super.leadershipEvents(options);
  }
}

export class EndsByItself extends ModelNode {
  override async *leadershipEvents(options: StreamOptions): AsyncGenerator<LeadershipEvent> {
    for await (const event of super.leadershipEvents(options)) {
      yield event;
      if (event.kind === "leader") return;
    }
  }
}

export class IgnoresItsSignal extends ModelNode {
  override leadershipEvents(): AsyncGenerator<LeadershipEvent> {
    return super.leadershipEvents({ signal: new AbortController().signal });
  }
}

export class IgnoresASignalThatHasFired extends ModelNode {
  override leadershipEvents({ signal }: StreamOptions): AsyncGenerator<LeadershipEvent> {
    if (!signal.aborted) return super.leadershipEvents({ signal });
    return super.leadershipEvents({ signal: new AbortController().signal });
  }
}

export class SaysNothingTheSecondTime extends ModelNode {
  #streams = 0;

  override async *leadershipEvents(options: StreamOptions): AsyncGenerator<LeadershipEvent> {
    this.#streams++;
    for await (const event of super.leadershipEvents(options)) {
      if (this.#streams === 1) yield event;
    }
  }
}

export class KeepsEventsForWhoHasLeft extends ModelNode {
  #streams = 0;

  override async *leadershipEvents(options: StreamOptions): AsyncGenerator<LeadershipEvent> {
    this.#streams++;
    for await (const event of super.leadershipEvents(options)) {
      if (this.#streams === 1 || event.kind !== "follower") yield event;
    }
  }
}

export class SplitsEventsAmongItsConsumers extends ModelNode {
  readonly #taken = new Set<LeadershipEvent>();

  override async *leadershipEvents(options: StreamOptions): AsyncGenerator<LeadershipEvent> {
    let isFirst = true;
    for await (const event of super.leadershipEvents(options)) {
      if (isFirst || !this.#taken.has(event)) {
        this.#taken.add(event);
        yield event;
      }
      isFirst = false;
    }
  }
}

export class LeavesItsConsumerForTheNext extends ModelNode {
  #streams = 0;

  override async *leadershipEvents(options: StreamOptions): AsyncGenerator<LeadershipEvent> {
    const stream = ++this.#streams;
    for await (const event of super.leadershipEvents(options)) {
      if (stream === this.#streams) yield event;
    }
  }
}

export class EndsTheFirstStreamAtTheSecond extends ModelNode {
  #consumer = new AbortController();

  override leadershipEvents({ signal }: StreamOptions): AsyncGenerator<LeadershipEvent> {
    this.#consumer.abort(new PermanentError("another consumer reads"));
    this.#consumer = new AbortController();
    const { signal: replaced } = this.#consumer;
    return super.leadershipEvents({ signal: AbortSignal.any([signal, replaced]) });
  }
}

export class RefusesASecondConsumerInItsOwnWords extends ModelNode {
  #consumer: AbortSignal | undefined;

  override async *leadershipEvents(options: StreamOptions): AsyncGenerator<LeadershipEvent> {
    if (this.#consumer?.aborted === false) throw this.refusal();
    this.#consumer = options.signal;
    yield* super.leadershipEvents(options);
  }

  refusal(): Error {
    return new Error("another consumer reads");
  }
}

export class ReportsOlderEpochs extends ModelNode {
  override followerEvent(leaderEpoch: bigint): FollowerEvent {
    return { kind: "follower", leaderEpoch: leaderEpoch - 2n };
  }
}

export class IsCertainUntilNobodyKnows extends ModelNode {
  override certainForMs(): number {
    return NaN;
  }
}

export class IsCertainForTooLong extends ModelNode {
  override certainForMs(): number {
    return 2 * super.certainForMs();
  }
}

export class FencesByItsFirstWrite extends ModelNode {
  override isFencing = false;
}

export class LacksResign extends ModelNode {
  static {
    Object.defineProperty(LacksResign.prototype, "resign", { value: undefined });
  }
}

export class ResignsWithoutEndingItsCertainty extends ModelNode {
  override resign(options: StreamOptions): Promise<boolean> {
    const untilMs = this.certainUntilMs;
    const resigned = super.resign(options);
    this.certainUntilMs = untilMs;
    return resigned;
  }
}

export class ResignsInWordsOnly extends ModelNode {
  override resign(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

/** Leaves it to its standbys to notice by its silence. */
export class ResignsWithoutAWord extends ModelNode {
  override async resign(options: StreamOptions): Promise<boolean> {
    this.hasResigned = true;
    this.certainUntilMs = -Infinity;
    this.cluster.clock.pause(SILENCE_MS);
    return await super.resign(options);
  }
}

export class LeadsAgainAfterItResigned extends ModelNode {
  override async resign(options: StreamOptions): Promise<boolean> {
    const isKnown = await super.resign(options);
    this.hasResigned = false;
    return isKnown;
  }
}

export class WaitsForASuccessorForEver extends ModelNode {
  override resign(_options: StreamOptions): Promise<boolean> {
    return super.resign({ signal: new AbortController().signal });
  }
}

export class KnowsASuccessorThatIsNotThere extends ModelNode {
  override async resign(options: StreamOptions): Promise<boolean> {
    await super.resign(options);
    return true;
  }
}

export class DeposesTheLeader extends ModelNode {
  override async resign(options: StreamOptions): Promise<boolean> {
    const { leader } = this.cluster;
    if (leader instanceof ModelNode) this.cluster.release(leader);
    await settle();
    return await super.resign(options);
  }
}

export class EndsItsStreamWithItsConnection extends ModelNode {
  #lost = new AbortController();

  override async *leadershipEvents(options: StreamOptions): AsyncGenerator<LeadershipEvent> {
    for await (const event of super.leadershipEvents(options)) {
      yield event;
      if (this.#lost.signal.aborted) return;
    }
  }

  override fault(): void {
    this.#lost.abort();
    super.fault();
    this.learn();
  }
}
