// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { PostgresDriver } from "../../../src/drivers/postgres/driver.ts";
import type { PostgresDriverOptions } from "../../../src/drivers/postgres/options.ts";
import { parseTargets } from "../../../src/drivers/postgres/target.ts";

const SECRET = "dontshow";

function make(options: Partial<PostgresDriverOptions>): PostgresDriver {
  const endpoint = { host: "10.0.0.7", port: 50_551 };
  return new PostgresDriver({ urls: ["postgres://me@db/base"], endpoint, ...options });
}

Deno.test("parseTargets() reads hosts, ports, login and database of each URL, in their order", () => {
  const urls = [
    "postgres://me:p%40ss%3A%2F@db-a,db-b:5433/base%20one?sslmode=verify-full",
    "postgresql://only@[2001:db8::1]:6000",
  ];
  const login = { user: "me", password: "p@ss:/", database: "base one", encryption: "verified" };
  assert.deepEqual(parseTargets(urls, "none"), [
    { host: "db-a", port: 5_432, ...login },
    { host: "db-b", port: 5_433, ...login },
    {
      host: "2001:db8::1",
      port: 6_000,
      user: "only",
      password: undefined,
      database: "only",
      encryption: "none",
    },
  ]);
});

Deno.test("parseTargets() knows the modes of TLS that do not fall back to plain text", () => {
  const encryptionOf = (query: string) =>
    parseTargets([`postgres://me@db/base${query}`], "none")[0]?.encryption;
  assert.equal(encryptionOf(""), "none");
  assert.equal(encryptionOf("?sslmode=disable"), "none");
  assert.equal(encryptionOf("?sslmode=no-verify"), "unverified");
  for (const mode of ["require", "verify-ca", "verify-full"]) {
    assert.equal(encryptionOf(`?sslmode=${mode}`), "verified");
  }
  for (const mode of ["prefer", "allow", "", "VERIFY-FULL"]) {
    assert.throws(() => encryptionOf(`?sslmode=${mode}`), /'sslmode' must be one of disable, /);
  }
});

Deno.test("a URL that is refused is told by what is wrong with it, and never shown", () => {
  const login = `me:${SECRET}`;
  const refused: readonly (readonly [string, RegExp])[] = [
    [`mysql://${login}@db/base`, /must look like postgres:\/\/USER/],
    [`${login}@db`, /another shape/],
    [`postgres://me:${SECRET}/@db/base`, /another shape/],
    [`postgres://me:${SECRET}#@db/base`, /another shape/],
    [`postgres://me:${SECRET}%zz@db/base`, /the password of one has a '%' that escapes nothing/],
    [`postgres://:${SECRET}@db/base`, /names no user/],
    [`postgres://${login}@db:0/base`, /HOST:PORT/],
    [`postgres://${login}@db:99999/base`, /HOST:PORT/],
    [`postgres://${login}@db,/base`, /HOST:PORT/],
    [`postgres://${login}@2001:db8::1/base`, /brackets/],
    [`postgres://${login}@db/base?options=${SECRET}`, /the parameter 'options'/],
    [`postgres://${login}@db/base?sslmode=${SECRET}`, /'sslmode' must be one of/],
  ];
  for (const [url, words] of refused) {
    assert.throws(() => make({ urls: [url] }), (error: Error) => {
      assert.ok(error instanceof RangeError);
      assert.match(error.message, words);
      assert.ok(!Deno.inspect(error).includes(SECRET), url);
      return true;
    });
  }
});

Deno.test("new PostgresDriver() refuses options that are out of range, by name", () => {
  assert.throws(() => make({ urls: [] }), /must look like|there is none/);
  assert.throws(() => make({ prefix: "" }), /'prefix' must have 1 to 128/);
  assert.throws(() => make({ prefix: "a b" }), /'prefix' must have 1 to 128/);
  assert.throws(() => make({ prefix: "a".repeat(129) }), /'prefix' must have 1 to 128/);
  assert.throws(() => make({ tls: { certPem: "x" } }), /'tls.certPem' and 'tls.keyPem'.*certPem/);
  assert.throws(() => make({ tls: { keyPem: "x" } }), /'tls.certPem' and 'tls.keyPem'.*keyPem/);
  const urls = ["postgres://me@db/base?sslmode=disable"];
  assert.throws(() => make({ tls: true, urls }), /sslmode=disable/);
  assert.throws(() => make({ leaseMs: 299 }), /'leaseMs' must be 300 to 60000/);
});

Deno.test("a PostgresDriver that was never used can be closed, and shows no password", async () => {
  const driver = make({ urls: [`postgres://me:${SECRET}@db/base`] });
  assert.ok(!Deno.inspect(driver, { depth: 20 }).includes(SECRET));
  await driver.close();
});
