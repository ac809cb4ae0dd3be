// SPDX-License-Identifier: Apache-2.0

interface Waiter {
  readonly atLeast: number;
  readonly resolve: () => void;
}

/** Callers that ask, one call after the other, until they are told to stop or a call fails. */
export class Load implements AsyncDisposable {
  readonly #ask: () => Promise<unknown>;
  readonly #callers: Promise<void>[] = [];
  readonly #failures: unknown[] = [];
  #answered = 0;
  #waiters: Waiter[] = [];
  #stopping = false;

  /** Starts the callers. */
  constructor(callers: number, ask: () => Promise<unknown>) {
    this.#ask = ask;
    for (let caller = 0; caller < callers; caller++) this.#callers.push(this.#run());
  }

  /** Waits for so many further answers; fails with the first call that failed. */
  async more(count: number): Promise<void> {
    const atLeast = this.#answered + count;
    await new Promise<void>((resolve) => {
      this.#waiters.push({ atLeast, resolve });
      this.#wake();
    });
    this.#throwFailure();
  }

  /** Lets each caller end after its call; fails if any call failed. */
  async finish(): Promise<void> {
    await this[Symbol.asyncDispose]();
    this.#throwFailure();
  }

  /** Lets each caller end after its call, and waits for none. */
  stop(): void {
    this.#stopping = true;
  }

  /** Lets each caller end after its call, whatever comes of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await Promise.all(this.#callers);
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      try {
        await this.#ask();
        this.#answered += 1;
      } catch (error) {
        this.#failures.push(error);
        this.#stopping = true;
      }
      this.#wake();
    }
  }

  #wake(): void {
    const isDue = ({ atLeast }: Waiter) => this.#failures.length > 0 || atLeast <= this.#answered;
    for (const waiter of this.#waiters) if (isDue(waiter)) waiter.resolve();
    this.#waiters = this.#waiters.filter((waiter) => !isDue(waiter));
  }

  #throwFailure(): void {
    const [cause] = this.#failures;
    if (cause === undefined) return;
    throw new Error(`a call failed after ${this.#answered} answers: ${cause}`, { cause });
  }
}
