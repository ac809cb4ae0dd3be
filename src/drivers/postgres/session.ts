// SPDX-License-Identifier: Apache-2.0

import { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
// @ts-types="@types/pg"
import { Client } from "pg";
// @ts-types="@types/pg"
import type { ClientConfig } from "pg";
import { PermanentError, TransientError } from "../../consensus/errors.ts";
import { abortable, onAbort } from "../../core/abortable.ts";
import type { Clock } from "../../core/clock.ts";
import { deferred } from "../../core/deferred.ts";
import type { TlsCertificates } from "../../grpc/tls_certificates.ts";
import { CallDeadline } from "./call_deadline.ts";
import { statementFault } from "./faults.ts";
import type { Target } from "./target.ts";

/** A row as the server writes it, each column as text. */
export type Row = Readonly<Record<string, string | null>>;

/** A parameter of a statement. */
export type Parameter = string | null | readonly string[];

/** What a {@linkcode Session} is opened with. */
export interface SessionOptions {
  /** Certificates for connections with TLS. */
  readonly certificates: TlsCertificates;
  /** Gives up: the socket is closed, and the promise rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

/** Other users of the package may have told it how to read a type: here every column stays text. */
const AS_TEXT = { getTypeParser: () => (text: string) => text };

/**
 * What is given is not looked up in the environment, which this process may not be allowed to read. It is taken back
 * before anything is sent, as poolers refuse parameters that they do not know.
 */
const NOT_LOOKED_UP = { replication: "false", options: "none", binary: true };

/** How long a server may take to read that a session is over. */
const GOODBYE_MS = 1_000;

/** One connection to one server, with one statement under way at a time. */
export class Session {
  /** Settles once the socket is closed. */
  readonly ended: Promise<void>;
  readonly #client: Client;
  readonly #socket: Socket;
  #isOpen = true;
  #warning: string | undefined;

  private constructor(client: Client, socket: Socket) {
    this.#client = client;
    this.#socket = socket;
    const end = deferred<void>();
    this.ended = end.promise;
    socket.on("close", () => {
      this.#isOpen = false;
      end.resolve();
    });
    // What is under way learns of it by its own rejection.
    client.on("error", () => this.destroy());
    client.on("notice", ({ message }) => this.#warning ??= message ?? "without words");
  }

  /** Connects and logs in. */
  static async open(target: Target, options: SessionOptions): Promise<Session> {
    const { certificates, signal } = options;
    signal.throwIfAborted();
    const socket = new Socket();
    const client = makeClient(clientConfig(target, socket, certificates));
    const session = new Session(client, socket);
    const withdraw = onAbort(signal, () => session.destroy());
    try {
      await abortable(client.connect().then(() => {}), signal);
      return session;
    } catch (error) {
      session.destroy();
      throw error;
    } finally {
      withdraw();
    }
  }

  /** Whether statements can be sent; a connection that was lost unnoticed counts as open. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Carries out one statement, which is one transaction.
   *
   * @throws {ConsensusError} as {@linkcode statementFault} says. A warning is a {@linkcode TransientError}: by one
   *   a server tells that a commit whose replication it did not await is durable on itself alone
   */
  async query(text: string, values: readonly Parameter[] = []): Promise<readonly Row[]> {
    this.#warning = undefined;
    try {
      // Without parameters several statements may be sent, which are then one transaction.
      const { rows } = await this.#client.query<Row>({ text, values: [...values] });
      if (this.#warning === undefined) return rows;
    } catch (error) {
      throw statementFault(error);
    }
    throw new TransientError(
      `PostgreSQL has carried a statement out with the warning: ${this.#warning}`,
    );
  }

  /** Calls a function for each notification of a channel that the session listens to. */
  onNotification(run: () => void): void {
    this.#client.on("notification", run);
  }

  /** Closes the socket at once. What is under way may still be carried out. */
  destroy(): void {
    this.#isOpen = false;
    this.#socket.destroy();
  }

  /** Says goodbye, if no statement is under way, and closes the socket. */
  async close(clock: Clock): Promise<void> {
    this.#isOpen = false;
    const deadline = new CallDeadline(clock, GOODBYE_MS);
    this.#client.end().catch(() => this.#socket.destroy());
    await abortable(this.ended, deadline.late).catch(() => this.#socket.destroy());
    deadline.end();
    await this.ended;
  }
}

function makeClient(config: ClientConfig): Client {
  const client = new Client({ ...config, ...NOT_LOOKED_UP });
  const { connectionParameters } = client as Client & { readonly connectionParameters: object };
  Object.assign(client, { binary: false });
  Object.assign(connectionParameters, { replication: undefined, options: undefined });
  return client;
}

/** Everything is given, so that the package's own environment variables decide nothing. */
function clientConfig(target: Target, socket: Socket, certificates: TlsCertificates): ClientConfig {
  const { host, port, user, database, password } = target;
  return {
    host,
    port,
    user,
    database,
    // A function, as without a password the package would look for one in files.
    password: () => password ?? refusePassword(),
    ssl: sslOf(target, certificates),
    sslnegotiation: "postgres",
    stream: () => socket,
    types: AS_TEXT,
    application_name: "tsoracle",
    client_encoding: "UTF8",
    keepAlive: true,
    connectionTimeoutMillis: 0,
  };
}

function sslOf({ encryption }: Target, certificates: TlsCertificates): false | ConnectionOptions {
  if (encryption === "none") return false;
  return { ...certificates, rejectUnauthorized: encryption === "verified" };
}

function refusePassword(): never {
  throw new PermanentError("PostgreSQL asks for a password and the URL has none: put it there");
}
