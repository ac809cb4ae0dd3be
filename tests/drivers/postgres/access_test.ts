// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { PermanentError } from "../../../src/consensus/errors.ts";
import { PostgresDriver } from "../../../src/drivers/postgres/driver.ts";
import type { PostgresDriverOptions } from "../../../src/drivers/postgres/options.ts";
import { makeCertificates } from "../../_support/certs.ts";
import { POSTGRES_MISSING, PostgresServer } from "../../_support/engines/postgres_server.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { recordLogs } from "../../_support/logs.ts";

const SECRET = "dontshow";
const WITH_PASSWORD = ["host all tso 127.0.0.1/32 scram-sha-256"];

/** Opens a driver until its engine is known to be usable, and closes it. */
async function connect(urls: readonly string[], options: Partial<PostgresDriverOptions> = {}) {
  const endpoint = { host: "10.0.0.7", port: 50_551 };
  await using driver = new PostgresDriver({ urls, endpoint, ...options });
  await driver.ready({ signal: AbortSignal.timeout(5_000) });
}

function refusal(...words: readonly RegExp[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof PermanentError, String(error));
    for (const word of words) assert.match(error.message, word);
    assert.ok(!Deno.inspect(error, { depth: 20 }).includes(SECRET));
    return true;
  };
}

ioTestNeeding(
  POSTGRES_MISSING,
  "a password is used, and neither an error nor a log shows it",
  async () => {
    await using server = await PostgresServer.start({ access: WITH_PASSWORD });
    await server.sql(`create role tso login password '${SECRET}'`);
    await server.sql("grant create on database postgres to tso");
    await using logs = await recordLogs();
    await connect([server.url("tso", SECRET)]);
    await assert.rejects(
      connect([server.url("tso", `${SECRET} not`)]),
      refusal(/28P01/, /password authentication failed for user "tso"/, /pg_hba\.conf/),
    );
    await assert.rejects(connect([server.url("tso")]), refusal(/the URL has none/));
    const elsewhere = server.url("tso", SECRET).replace(/postgres$/, "nowhere");
    await assert.rejects(connect([elsewhere]), refusal(/3D000/, /create the database/));
    assert.ok(logs.records.length > 0);
    assert.ok(!Deno.inspect(logs.records, { depth: 20 }).includes(SECRET));
  },
);

ioTestNeeding(
  POSTGRES_MISSING,
  "TLS proves who the server is, and shows it the certificate of the node",
  async () => {
    const certificates = await makeCertificates();
    const access = [
      "hostssl all tso 127.0.0.1/32 cert map=nodes",
      "hostnossl all tso 127.0.0.1/32 reject",
    ];
    await using server = await PostgresServer.start({ access });
    await server.sql("create role tso login");
    await server.sql("grant create on database postgres to tso");
    await server.writeData("server.crt", certificates.server.certPem);
    await server.writeData("server.key", certificates.server.keyPem);
    await server.writeData("clients.crt", certificates.clientCaPem);
    await server.writeData("pg_ident.conf", "nodes client tso\n");
    await server.sql("alter system set ssl_ca_file = 'clients.crt'");
    await server.set("ssl", "on");

    const url = server.url("tso");
    const { caPem, client, stranger } = certificates;
    await connect([url], { tls: { caPem, ...client } });
    const named = url.replace("127.0.0.1", "localhost");
    await connect([`${named}?sslmode=verify-full`], { tls: { caPem, ...client } });
    await connect([`${url}?sslmode=no-verify`], { tls: { ...client } });

    await assert.rejects(connect([url], { tls: { ...client } }), refusal(/with TLS/, /tls.caPem/));
    await assert.rejects(connect([url], { tls: { caPem } }), refusal(/28000/));
    await assert.rejects(connect([url], { tls: { caPem, ...stranger } }), refusal(/with TLS/));
    await assert.rejects(connect([url]), refusal(/28000/));
    await server.set("ssl", "off");
    await assert.rejects(
      connect([server.url()], { tls: { caPem } }),
      refusal(/does not support SSL/),
    );
  },
);
