// SPDX-License-Identifier: Apache-2.0

import { Code } from "@connectrpc/connect";
import { runAttempt } from "../calls/attempt.ts";
import type { RpcOptions } from "../calls/attempt.ts";
import type { Cluster } from "./cluster.ts";
import type { EndpointAddress } from "./endpoint_address.ts";
import { TsoClientError, WentBackError } from "../errors.ts";
import { faultOf, unopenedFault } from "../calls/fault.ts";
import type { Fault } from "../calls/fault.ts";
import type { CallContext } from "../grants.ts";
import type { PooledChannel } from "../channels/pooled_channel.ts";
import type { Question } from "../calls/question.ts";
import { BadAnswerError } from "../calls/response_check.ts";
import type { ReceivedMark } from "./received.ts";

/** A visit that brought no answer, or one that must not be handed out. */
export type NoAnswer =
  | { readonly kind: "refused"; readonly error: TsoClientError }
  | { readonly kind: "fault"; readonly fault: Fault };

/** What came of a visit. */
export type Visited<T> = NoAnswer | { readonly kind: "answer"; readonly answer: T };

/** How much too early a timer of the runtimes may fire, measured with the monotonic clock: it rounds. */
const TIMER_EARLY_MS = 2;

/** Asks endpoints, one attempt each. */
export class Visitor<T> {
  readonly #cluster: Cluster;
  readonly #question: Question<T>;

  /** Makes a visitor with a question. */
  constructor(cluster: Cluster, question: Question<T>) {
    this.#cluster = cluster;
    this.#question = question;
  }

  /**
   * Makes one attempt. The connection of one that failed is dropped, a server whose answer went back is
   * avoided, and an answer makes its server the leader.
   *
   * @param limits the signal, and the longest that this attempt may take
   * @throws the reason of the signal
   */
  async visit(address: EndpointAddress, limits: CallContext): Promise<Visited<T>> {
    const { pool, received, settings } = this.#cluster;
    const { mark } = received;
    let channel: PooledChannel;
    try {
      channel = pool.take(address);
    } catch (error) {
      return { kind: "fault", fault: this.#noted(unopenedFault(error), address) };
    }
    const { clock } = settings;
    const request = new Sending(this.#question, channel);
    channel.enter(clock.monotonicMs());
    try {
      const answer = await runAttempt((options) => request.send(options), { ...limits, clock });
      return this.hear(channel, answer, mark);
    } catch (error) {
      if (limits.signal.aborted) {
        this.givenUp(channel);
        throw limits.signal.reason;
      }
      return this.failed(channel, request.sent ? error : new Unsent(error));
    } finally {
      channel.leave(clock.monotonicMs());
    }
  }

  /**
   * Takes note of an answer, if it may be handed out.
   *
   * @param mark what had been received when the request was sent
   */
  hear(channel: PooledChannel, answer: T, mark: ReceivedMark): Visited<T> {
    const { address } = channel;
    channel.hear(this.#cluster.settings.clock.monotonicMs());
    const behind = this.#question.behind(answer, mark);
    return behind === undefined ? this.#take(answer, address) : this.#shun(behind, address);
  }

  #take(answer: T, address: EndpointAddress): Visited<T> {
    const { leaders, received } = this.#cluster;
    const epoch = this.#question.epochOf(answer);
    this.#question.note(answer);
    if (epoch !== undefined) {
      received.noteEpoch(epoch);
      leaders.seat({ address, epoch, source: "answer" });
    }
    return { kind: "answer", answer };
  }

  #shun(behind: string, address: EndpointAddress): NoAnswer {
    const { leaders, avoided } = this.#cluster;
    this.#cluster.count("tsoracle.client.went_back.total");
    leaders.demote(address);
    avoided.add(address);
    const { name: endpoint } = address;
    const text = `Cannot ${this.#question.what}: ${endpoint} went back: ${behind}; ` +
      "make a new client if the cluster was reset on purpose";
    return { kind: "refused", error: new WentBackError(text, { endpoint }) };
  }

  /** Takes note of what went wrong with a request, and drops its connection if that is the reason. */
  failed(channel: PooledChannel, error: unknown): NoAnswer {
    const { address } = channel;
    if (error instanceof BadAnswerError) {
      channel.hear(this.#cluster.settings.clock.monotonicMs());
      const { name: endpoint } = address;
      const text =
        `Cannot ${this.#question.what}: ${endpoint} broke the protocol: ${error.message}`;
      const refused = new TsoClientError("bad-response", text, { endpoint, cause: error });
      return { kind: "refused", error: refused };
    }
    const fault = error instanceof Unsent ? unopenedFault(error.cause) : faultOf(error, channel);
    if (fault.kind === "status") channel.hear(this.#cluster.settings.clock.monotonicMs());
    else if (this.#isDead(channel, fault)) this.#cluster.pool.evict(channel);
    return { kind: "fault", fault: this.#noted(fault, address) };
  }

  /** Nobody waits for the answer any more. That says little, unless none has come for long. */
  givenUp(channel: PooledChannel): void {
    if (!this.#isSilent(channel)) return;
    this.#cluster.pool.evict(channel);
    this.#cluster.leaders.demote(channel.address);
  }

  /** A server that takes long is not dead, and an attempt that a hurried caller cut short says little. */
  #isDead(channel: PooledChannel, fault: Fault): boolean {
    return fault.kind !== "deadline" || this.#isSilent(channel);
  }

  #isSilent(channel: PooledChannel): boolean {
    const { clock, retry } = this.#cluster.settings;
    return channel.silentMs(clock.monotonicMs()) >= retry.attemptTimeoutMs - TIMER_EARLY_MS;
  }

  #noted(fault: Fault, address: EndpointAddress): Fault {
    const { leaders } = this.#cluster;
    if (fault.kind === "not-sent") this.#cluster.count("tsoracle.client.connect.failures.total");
    if (fault.kind !== "status" || fault.code === Code.Unavailable) leaders.demote(address);
    return fault;
  }
}

/** One request, which knows whether it has left. */
class Sending<T> {
  readonly #question: Question<T>;
  readonly #channel: PooledChannel;
  #sent = false;

  constructor(question: Question<T>, channel: PooledChannel) {
    this.#question = question;
    this.#channel = channel;
  }

  /** Whether the server may have seen it. */
  get sent(): boolean {
    return this.#sent;
  }

  async send(options: RpcOptions): Promise<T> {
    if (this.#question.dialFirst) await this.#channel.dial(options.signal);
    // The attempt may have ended while the connection was made. It then counts as not sent.
    options.signal.throwIfAborted();
    this.#sent = true;
    return await this.#question.ask(this.#channel.stub, options);
  }
}

/** Wraps what went wrong before a request left. */
class Unsent extends Error {
  constructor(cause: unknown) {
    super("not sent", { cause });
  }
}
