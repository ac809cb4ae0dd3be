// SPDX-License-Identifier: Apache-2.0

import { TransientError } from "../../../src/consensus/errors.ts";
import type { Engine } from "./engine.ts";

/**
 * What becomes of a message. Only requests can be `lost`, `unanswered` (it takes effect, the answer is
 * lost), `late` (the caller gives up, the request arrives some other time) or `doubled`.
 */
export type Fate = "delivered" | "lost" | "unanswered" | "late" | "doubled";

/** A request that a driver sent, and what to do with the engine's answer. */
export interface Request<T> {
  readonly kind: "request";
  /** The node that sent it. */
  readonly node: number;
  /** Names it in a trace. */
  readonly name: string;
  /** What it does once it reaches the engine. */
  readonly act: (engine: Engine) => T;
  /** Takes the answer back at the node; absent if nobody waits any more. */
  readonly answer?: ((outcome: Outcome<T>) => void) | undefined;
}

/** The engine's answer: a value, or what it threw. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown };

/** An answer on its way to a node. */
interface Answer {
  readonly kind: "answer";
  readonly node: number;
  readonly name: string;
  readonly arrive: () => void;
}

type Message = Request<unknown> | Answer;

/** Holds every message until a test decides which one moves, and how. */
export class Network {
  readonly #engine: Engine;
  #messages: Message[] = [];
  /** Requests whose senders have given up, or whose first copy has arrived. They come whenever they do. */
  #strays: Request<unknown>[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Number of messages under way. */
  get size(): number {
    return this.#messages.length;
  }

  /** Number of stray requests. */
  get strays(): number {
    return this.#strays.length;
  }

  /** Whether something is under way from or to `node`. */
  carriesFor(node: number): boolean {
    return this.#messages.some((message) => message.node === node);
  }

  /** Puts a request under way. */
  send<T>(request: Request<T>): void {
    const { act, answer, ...rest } = request;
    this.#messages.push({
      ...rest,
      act,
      answer: answer === undefined ? undefined : (outcome) => answer(outcome as Outcome<T>),
    });
  }

  /**
   * Moves one message. Answers to a node for which `isPaused` is true stay where they are.
   *
   * @param pick which message, modulo their number
   * @returns what moved, for the trace
   */
  deliver(pick: number, fate: Fate, isPaused: (node: number) => boolean): string {
    const index = pick % Math.max(1, this.#messages.length);
    const message = this.#messages[index];
    if (message === undefined) return "nothing";
    if (message.kind === "answer" && isPaused(message.node)) return `held ${message.name}`;
    this.#messages.splice(index, 1);
    if (message.kind === "answer") message.arrive();
    else this.#meet(message, fate);
    return `${message.kind} ${message.name}`;
  }

  /**
   * Lets one stray request arrive, long after all that was sent with it.
   *
   * @param pick which one, modulo their number
   * @returns what arrived, for the trace
   */
  arrive(pick: number): string {
    const [stray] = this.#strays.splice(pick % Math.max(1, this.#strays.length), 1);
    if (stray === undefined) return "nothing";
    this.#act(stray);
    return stray.name;
  }

  #meet(request: Request<unknown>, fate: Fate): void {
    switch (fate) {
      case "delivered":
        return this.#answer(request, this.#act(request));
      case "lost":
        return this.#answer(request, LOST);
      case "unanswered":
        this.#act(request);
        return this.#answer(request, LOST);
      case "late":
        this.#strays.push(request);
        return this.#answer(request, LOST);
      case "doubled":
        this.#strays.push(request);
        return this.#answer(request, this.#act(request));
    }
  }

  #act(request: Request<unknown>): Outcome<unknown> {
    try {
      return { ok: true, value: request.act(this.#engine) };
    } catch (error) {
      return { ok: false, error };
    }
  }

  #answer({ node, name, answer }: Request<unknown>, outcome: Outcome<unknown>): void {
    if (answer === undefined) return;
    this.#messages.push({ kind: "answer", node, name, arrive: () => answer(outcome) });
  }
}

const LOST: Outcome<never> = { ok: false, error: new TransientError("no answer in time") };
