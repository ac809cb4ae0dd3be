// SPDX-License-Identifier: Apache-2.0

/**
 * Why a call of the client did not get its answer:
 * - `invalid-argument`: the client or the server refused an argument; change it;
 * - `unreachable`: no endpoint could be reached within the deadline; check addresses, network and TLS;
 * - `no-leader`: servers answered, and none of them led within the deadline;
 * - `deadline-exceeded`: `timeoutMs` of the call is over;
 * - `queue-full`: more callers wait than `maxQueued` allows; slow down;
 * - `bad-response`: an answer broke the protocol, or went behind what this client had received before;
 * - `refused`: the server said no for good; `status` has its code;
 * - `outcome-unknown`: a block of ordinals may be spent or not; see {@linkcode SeqUncertainError};
 * - `closed`: the client was closed.
 */
export type ClientErrorCode =
  | "invalid-argument"
  | "unreachable"
  | "no-leader"
  | "deadline-exceeded"
  | "queue-full"
  | "bad-response"
  | "refused"
  | "outcome-unknown"
  | "closed";

/** Options of {@linkcode TsoClientError}. */
export interface TsoClientErrorOptions extends ErrorOptions {
  /** The endpoint that answered or failed last, as `host:port`. */
  readonly endpoint?: string | undefined;
  /** The status that the server gave, in gRPC's words, such as `FAILED_PRECONDITION`. */
  readonly status?: string | undefined;
}

/** A call of the client that did not get its answer. */
export class TsoClientError extends Error {
  /** Why, for programs. */
  readonly code: ClientErrorCode;
  /** The endpoint that answered or failed last, as `host:port`, if one was asked. */
  readonly endpoint: string | undefined;
  /** The status that the server gave, in gRPC's words, such as `FAILED_PRECONDITION`, if it gave one. */
  readonly status: string | undefined;

  /** Makes an error with a machine-readable code. */
  constructor(code: ClientErrorCode, message: string, options: TsoClientErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "TsoClientError";
    this.code = code;
    this.endpoint = options.endpoint;
    this.status = options.status;
  }
}

/**
 * The outcome of a request for ordinals is not known: the block may be spent or not. A lost answer leaves that, and
 * so does a signal or a timeout that ends the wait for one; `cause` has which. The client never
 * repeats such a request, because that could spend two blocks. A caller that goes on leaves, at worst, a gap
 * of the size it asked for.
 */
export class SeqUncertainError extends TsoClientError {
  /** Makes the error; `options.cause` keeps what went wrong. */
  constructor(message: string, options: TsoClientErrorOptions = {}) {
    super("outcome-unknown", message, options);
    this.name = "SeqUncertainError";
  }
}

/**
 * An answer went behind a value or an epoch that this client had received before it asked: the server has
 * lost its memory or is not the leader. The answer was thrown away.
 */
export class WentBackError extends TsoClientError {
  /** Makes the error from what was received before and what came now. */
  constructor(message: string, options: TsoClientErrorOptions = {}) {
    super("bad-response", message, options);
    this.name = "WentBackError";
  }
}
