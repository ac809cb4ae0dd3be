// SPDX-License-Identifier: Apache-2.0

/** How a connection is encrypted: not at all, without proof of who the server is, or with it. */
export type Encryption = "none" | "unverified" | "verified";

/** One server and how to log in. */
export interface Target {
  /** Host name or address; an IPv6 address without brackets. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** The role. */
  readonly user: string;
  /** Its password; absent if the server asks for none. */
  readonly password: string | undefined;
  /** The database. */
  readonly database: string;
  /** How connections are encrypted. */
  readonly encryption: Encryption;
}

const SHAPE = "postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full";
const URL_PARTS = /^postgres(?:ql)?:\/\/(?:([^/?#]*)@)?([^/?#@]+)(?:\/([^/?#]*))?(?:\?([^#]*))?$/;
const HOST_PARTS = /^(?:\[([^[\]]+)\]|([^:[\]]+))(?::([0-9]{1,5}))?$/;
const DEFAULT_PORT = 5432;

/** As node-postgres has them: a mode that could fall back to plain text is not among them. */
const MODES: Readonly<Record<string, Encryption>> = {
  "disable": "none",
  "no-verify": "unverified",
  "require": "verified",
  "verify-ca": "verified",
  "verify-full": "verified",
};

/**
 * Reads URLs of PostgreSQL, each with one host or several with commas between them.
 *
 * @param encryption of those that do not say
 * @returns the servers in the order in which they are tried, at least one
 * @throws {RangeError} naming what is wrong, and never the URL, as it may hold a password
 */
export function parseTargets(
  urls: readonly string[],
  encryption: Encryption,
): readonly Target[] {
  const targets = urls.flatMap((url) => parseUrl(url, encryption));
  if (targets.length === 0) throw refusal("there is none");
  return targets;
}

function parseUrl(url: string, otherwise: Encryption): readonly Target[] {
  const parts = URL_PARTS.exec(url);
  if (parts === null) {
    throw refusal("one has another shape; a '/', '?', '#' or '@' in it is escaped");
  }
  const [, login = "", hosts = "", path = "", query = ""] = parts;
  const { user, password } = parseLogin(login);
  const database = path === "" ? user : decoded(path, "database");
  const encryption = parseQuery(query) ?? otherwise;
  return hosts.split(",").map((host) => ({
    ...parseHost(host),
    user,
    password,
    database,
    encryption,
  }));
}

function parseLogin(login: string): Pick<Target, "user" | "password"> {
  const colon = login.indexOf(":");
  const user = decoded(colon < 0 ? login : login.slice(0, colon), "user");
  if (user === "") throw refusal("one names no user");
  return { user, password: colon < 0 ? undefined : decoded(login.slice(colon + 1), "password") };
}

function parseHost(text: string): Pick<Target, "host" | "port"> {
  const [, address, name, digits] = HOST_PARTS.exec(text) ?? [];
  const host = address ?? name;
  const port = digits === undefined ? DEFAULT_PORT : Number(digits);
  if (host === undefined || port < 1 || port > 65_535) {
    throw refusal("one has a host that is not HOST or HOST:PORT; an IPv6 address needs brackets");
  }
  return { host: decoded(host, "host"), port };
}

function parseQuery(query: string): Encryption | undefined {
  let encryption: Encryption | undefined;
  for (const [name, value] of new URLSearchParams(query)) {
    if (name !== "sslmode") {
      throw refusal(`one has the parameter '${name}'; only 'sslmode' is known`);
    }
    encryption = MODES[value];
    if (encryption === undefined) {
      throw refusal(`'sslmode' must be one of ${Object.keys(MODES).join(", ")}`);
    }
  }
  return encryption;
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refusal(`the ${what} of one has a '%' that escapes nothing; write '%25'`);
  }
}

function refusal(rule: string): RangeError {
  return new RangeError(
    `Cannot use the URLs of PostgreSQL as ${rule}: each must look like ${SHAPE}`,
  );
}
