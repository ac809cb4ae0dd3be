// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import { lastingPort } from "../lasting_port.ts";
import { within } from "../server_process.ts";
import { FAKETIME_LIBRARY, postgresCommand, runPostgres } from "./postgres_binaries.ts";
import { childrenOf, hasEnded, signal } from "./processes.ts";

export { FAKETIME_MISSING, POSTGRES_MISSING } from "./postgres_binaries.ts";

const START_LIMIT_MS = 60_000;
const EXIT_LIMIT_MS = 60_000;
const POLL_MS = 20;
const KEPT_OUTPUT = 16_384;

const QUICK_SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  shared_buffers: "16MB",
  // In the directory of the data, so that nothing is left elsewhere when the server is killed.
  dynamic_shared_memory_type: "mmap",
  max_connections: "60",
  wal_keep_size: "64MB",
  restart_after_crash: "on",
};

/** Options of {@linkcode PostgresServer.start}. */
export interface PostgresServerOptions {
  /** Settings of the server, by name. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Lines of `pg_hba.conf` in front of the one that lets everybody in from loopback. */
  readonly access?: readonly string[];
  /** Shifts the clock of the server by what {@linkcode PostgresServer.setClock} says. */
  readonly shiftable?: boolean;
}

/** A PostgreSQL of our own on loopback. Leaving its scope kills it and removes its data. */
export class PostgresServer implements AsyncDisposable {
  /** The port, which it keeps over restarts. */
  readonly port: number;
  readonly #directory: string;
  readonly #isShiftable: boolean;
  #child: Deno.ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #output = "";
  #paused: readonly number[] = [];

  private constructor(directory: string, port: number, isShiftable = false) {
    this.#directory = directory;
    this.port = port;
    this.#isShiftable = isShiftable;
  }

  /**
   * Makes a database and serves it on a free port.
   *
   * @throws {Error} with what it printed, if it does not serve
   */
  static async start(options: PostgresServerOptions = {}): Promise<PostgresServer> {
    return await PostgresServer.#make(async (data) => {
      await copyEmptyData(data);
      const access = [...options.access ?? [], "host all,replication all 127.0.0.1/32 trust", ""];
      await Deno.writeTextFile(join(data, "pg_hba.conf"), access.join("\n"));
      await configure(data, options.settings ?? {});
    }, options.shiftable);
  }

  /**
   * Makes a standby of this server, which follows it by streaming.
   *
   * @param name under which `synchronous_standby_names` knows it
   */
  async replica(name: string): Promise<PostgresServer> {
    return await PostgresServer.#make(async (data) => {
      const from = ["-h", "127.0.0.1", "-p", `${this.port}`, "-U", "postgres"];
      await runPostgres("pg_basebackup", ["-D", data, ...from, "-R", "-c", "fast", "--no-sync"]);
      await configure(data, { cluster_name: name, hot_standby: "on" });
    });
  }

  /** A URL of the database `postgres`. */
  url(user = "postgres", password?: string): string {
    const secret = password === undefined ? "" : `:${encodeURIComponent(password)}`;
    return `postgres://${user}${secret}@127.0.0.1:${this.port}/postgres`;
  }

  /** The directory of the data. */
  get data(): string {
    return join(this.#directory, "data");
  }

  /** The end of what its latest process has printed; for messages of failed tests. */
  get output(): string {
    return this.#output;
  }

  /** Starts the process with the data that are there, and waits until it serves. */
  async serve(): Promise<void> {
    if (this.#child !== undefined) throw new Error("the server runs already");
    this.#output = "";
    const args = ["-D", this.data, "-p", String(this.port)];
    const env = this.#isShiftable ? this.#shiftedClock() : {};
    const [program, ...rest] = postgresCommand("postgres", args, env);
    this.#child = new Deno.Command(program, {
      args: rest,
      cwd: "/",
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#exited = this.#follow(this.#child);
    await this.#untilServing();
  }

  /** Runs statements as the superuser. @returns the rows, columns parted by `|` */
  async sql(statements: string): Promise<string> {
    const to = ["-h", "127.0.0.1", "-p", `${this.port}`, "-U", "postgres", "-d", "postgres"];
    return await runPostgres("psql", ["-XAtq", "-v", "ON_ERROR_STOP=1", ...to, "-c", statements]);
  }

  /** Takes a backup of a schema. @returns puts it back, in the place of what is there */
  async backUp(schema: string): Promise<() => Promise<void>> {
    const file = join(this.#directory, `backup-${crypto.randomUUID()}`);
    const on = ["-h", "127.0.0.1", "-p", `${this.port}`, "-U", "postgres", "-d", "postgres"];
    await runPostgres("pg_dump", [...on, "-Fc", "-n", schema, "-f", file]);
    return async () => {
      await this.sql(`drop schema if exists ${schema} cascade`);
      await runPostgres("pg_restore", [...on, file]);
    };
  }

  /** Runs a client of the server, such as one that takes a backup, until its scope ends. */
  client(program: string, args: readonly string[]): AsyncDisposable {
    const to = ["-h", "127.0.0.1", "-p", `${this.port}`, "-U", "postgres"];
    const [command, ...rest] = postgresCommand(program, [...to, ...args]);
    const output = { stdin: "null", stdout: "null", stderr: "null" } as const;
    const child = new Deno.Command(command, { args: rest, cwd: "/", ...output }).spawn();
    return {
      [Symbol.asyncDispose]: async () => {
        signal(child.pid, "SIGKILL");
        await child.status;
      },
    };
  }

  /** Changes a setting for all new sessions, and for the running ones that have not set it. */
  async set(name: string, value: string): Promise<void> {
    await this.sql(`alter system set ${name} = '${value}'`);
    await this.sql("select pg_reload_conf()");
  }

  /** Writes a file into the directory of the data, which none but the server may read. */
  async writeData(name: string, text: string): Promise<void> {
    const path = join(this.data, name);
    await Deno.writeTextFile(path, text, { mode: 0o600 });
    await giveToServer(path);
  }

  /** Ends every session of a client. */
  async killSessions(): Promise<void> {
    await this.sql(
      "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
    );
  }

  /** Kills every process without a warning and waits until they are gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    signal(child.pid, "SIGSTOP");
    const all = [child.pid, ...await childrenOf(child.pid)];
    for (const pid of all) signal(pid, "SIGKILL");
    await this.#untilGone(all);
  }

  /** Kills the first process only; the others end when they notice. */
  async killPostmaster(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const all = [child.pid, ...await childrenOf(child.pid)];
    signal(child.pid, "SIGKILL");
    await this.#untilGone(all);
  }

  /** Asks it to stop without waiting for its clients, and waits until it is gone. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    signal(child.pid, "SIGINT");
    await this.#untilGone([child.pid]);
  }

  /** Stops every process: connections stay, new ones are accepted by the kernel, and nothing is answered. */
  async pause(): Promise<void> {
    const child = this.#child;
    if (child === undefined) throw new Error("the server does not run");
    signal(child.pid, "SIGSTOP");
    this.#paused = [child.pid, ...await childrenOf(child.pid)];
    for (const pid of this.#paused) signal(pid, "SIGSTOP");
  }

  /** Lets it go on after {@linkcode PostgresServer.pause}. */
  resume(): void {
    for (const pid of this.#paused) signal(pid, "SIGCONT");
    this.#paused = [];
  }

  /** Waits until a query of the superuser gives a text. */
  async until(query: string, wanted: string): Promise<void> {
    const end = performance.now() + START_LIMIT_MS;
    for (;;) {
      const found = await this.sql(query);
      if (found === wanted) return;
      if (performance.now() > end) throw new Error(`${query} gives ${found}, not ${wanted}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Sets what the server takes for the time, as faketime writes it, such as `+3600s`. */
  async setClock(shift: string): Promise<void> {
    await Deno.writeTextFile(join(this.#directory, "clock"), `${shift}\n`);
  }

  /** Ends it and removes its data. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.resume();
    await this.#quit();
    await this.#removeSegment();
    await Deno.remove(this.#directory, { recursive: true });
  }

  static async #make(
    fill: (data: string) => Promise<void>,
    isShiftable = false,
  ): Promise<PostgresServer> {
    const directory = await makeDirectory();
    const server = new PostgresServer(directory, lastingPort(), isShiftable);
    try {
      if (isShiftable) await server.setClock("+0s");
      await fill(server.data);
      await server.serve();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Ends it without the checkpoint of an orderly stop. */
  async #quit(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    signal(child.pid, "SIGQUIT");
    await this.#untilGone([child.pid]);
  }

  /** Removes the segment of shared memory that a killed server leaves in the kernel until its next start. */
  async #removeSegment(): Promise<void> {
    const lock = await Deno.readTextFile(join(this.data, "postmaster.pid")).catch(() => "");
    const [, id] = lock.split("\n")[6]?.trim().split(/ +/) ?? [];
    if (id === undefined) return;
    await new Deno.Command("ipcrm", { args: ["-m", id], stderr: "null" }).output();
  }

  #shiftedClock(): Record<string, string> {
    return {
      LD_PRELOAD: FAKETIME_LIBRARY ?? "",
      FAKETIME_TIMESTAMP_FILE: join(this.#directory, "clock"),
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      FAKETIME_DISABLE_SHM: "1",
    };
  }

  async #untilServing(): Promise<void> {
    const end = performance.now() + START_LIMIT_MS;
    while (!this.#output.includes("ready to accept")) {
      if (this.#child === undefined) throw new Error(`the server has ended: ${this.#output}`);
      if (performance.now() > end) throw new Error(`the server is silent: ${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #untilGone(pids: readonly number[]): Promise<void> {
    await within(this.#exited, EXIT_LIMIT_MS, () => `it did not end: ${this.#output}`);
    this.#paused = [];
    const end = performance.now() + EXIT_LIMIT_MS;
    for (const pid of pids) {
      while (!await hasEnded(pid)) {
        if (performance.now() > end) throw new Error(`process ${pid} did not end`);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }
  }

  async #follow(child: Deno.ChildProcess): Promise<void> {
    await Promise.all([child.status, this.#read(child.stdout), this.#read(child.stderr)]);
    this.#child = undefined;
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#output = (this.#output + text).slice(-KEPT_OUTPUT);
    }
  }
}

/** The data of a server that has never run, made once for all tests of a file. */
let emptyData: Promise<string> | undefined;

/** Makes the data of a new server: a copy takes a tenth of what it takes to make them. */
async function copyEmptyData(data: string): Promise<void> {
  emptyData ??= makeEmptyData();
  const args = ["-a", await emptyData, data];
  const { success, stderr } = await new Deno.Command("cp", { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

async function makeEmptyData(): Promise<string> {
  const directory = await makeDirectory();
  // It outlives the tests, each of which may be the last.
  globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
  const data = join(directory, "data");
  await runPostgres("initdb", [
    ...["-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"],
    "--no-sync",
  ]);
  return data;
}

/** A directory whose data the user of the server may read and write. */
async function makeDirectory(): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "tsoracle-" });
  await giveToServer(directory);
  return directory;
}

async function giveToServer(path: string): Promise<void> {
  if (Deno.uid() !== 0) return;
  await new Deno.Command("chown", { args: ["postgres:", path] }).output();
}

async function configure(data: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries({ ...QUICK_SETTINGS, ...settings })
    .map(([name, value]) => `${name} = '${value}'\n`);
  await Deno.writeTextFile(join(data, "postgresql.conf"), lines.join(""), { append: true });
}
