// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { ioTest } from "../_support/levels.ts";
import { ServerProcess } from "../_support/server_process.ts";
import { ServerRig } from "../net/_support/server_rig.ts";
import { soon, until } from "../net/_support/until.ts";
import type { GrpcJs } from "./_support/grpc_js.ts";
import { loadGrpcJs } from "./_support/grpc_js.ts";
import type { ReflectionVersion } from "./_support/reflection_client.ts";
import { ReflectionClient } from "./_support/reflection_client.ts";

/** Longer than any wait of a test, so that a close that waits for it fails. */
const GRACE_MS = 15_000;
const NOT_FOUND = 5;
const UNAVAILABLE = 14;
const TSO = "tsoracle.v1.TsoService";
const REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const VERSIONS: readonly ReflectionVersion[] = ["v1", "v1alpha"];

for (const version of VERSIONS) {
  ioTest(`a public client of reflection ${version} gets all answers on one stream`, async () => {
    await using rig = await ServerRig.start();
    using client = await ReflectionClient.connect(version, rig.server.address);
    const { listServicesResponse } = await client.ask({ listServices: "" });
    assert.deepEqual(listServicesResponse?.service.map(({ name }) => name), [
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      TSO,
    ]);
    for (
      const question of [
        { fileByFilename: "tsoracle/v1/tso.proto" },
        { fileContainingSymbol: `${TSO}.GetTs` },
        { fileContainingSymbol: "grpc.health.v1.Health" },
        { fileContainingSymbol: `grpc.reflection.${version}.ServerReflection` },
      ]
    ) {
      const { fileDescriptorResponse } = await client.ask(question);
      assert.equal(fileDescriptorResponse?.fileDescriptorProto.length, 1);
    }
    const extension = { containingType: "tsoracle.v1.GetTsRequest", extensionNumber: 100 };
    for (
      const question of [
        { fileByFilename: "nope.proto" },
        { fileContainingSymbol: "nope.Nope" },
        { fileContainingExtension: extension },
        { allExtensionNumbersOfType: "nope.Nope" },
      ]
    ) {
      const { errorResponse } = await client.ask(question);
      assert.equal(errorResponse?.errorCode, NOT_FOUND);
    }
    const numbers = await client.ask({ allExtensionNumbersOfType: "tsoracle.v1.GetTsRequest" });
    assert.ok(numbers.allExtensionNumbersResponse);
    assert.equal(await client.finish(), true);
  });
}

ioTest("a client that knows nothing but the address gets timestamps", async () => {
  await using server = await ServerProcess.start();
  using reflection = await ReflectionClient.connect("v1", server.address);
  const grpc = await loadGrpcJs();
  const found = (await reflection.load(TSO))[TSO];
  assert.ok(found !== undefined && !("format" in found));
  const Tso = grpc.makeGenericClientConstructor(found, "TsoService");
  const client = new Tso(server.address, grpc.credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
  });
  assert.equal((await getTs(client, 3)).count, 3);
  client.close();
});

ioTest("close() ends a stream of reflection that its client keeps open", async () => {
  await using rig = await ServerRig.start({ shutdownGraceMs: GRACE_MS });
  using client = await ReflectionClient.connect("v1", rig.server.address);
  await client.ask({ listServices: "" });
  const end = client.end();
  await soon("the close", rig.server.close());
  const error = await soon("the end of the stream", end);
  assert.deepEqual([error?.code, error?.details], [UNAVAILABLE, "server is shutting down"]);
});

ioTest("a stream of reflection lasts no longer than a request may", async () => {
  await using rig = await ServerRig.start({ limits: { requestTimeoutMs: 2_000 } });
  using client = await ReflectionClient.connect("v1", rig.server.address);
  await client.ask({ listServices: "" });
  assert.ok(await soon("the end of the stream", client.end()));
});

ioTest("a client of reflection that has gone leaves no connection behind", async () => {
  await using rig = await ServerRig.start();
  const client = await ReflectionClient.connect("v1", rig.server.address);
  await client.ask({ listServices: "" });
  client[Symbol.dispose]();
  await until("the end of the connection", () => rig.server.connections === 0);
});

ioTest("reflection over HTTP/1.1 is refused with a sentence", async () => {
  await using rig = await ServerRig.start();
  using http1 = Deno.createHttpClient({ http1: true, http2: false });
  const response = await fetch(rig.url(REFLECTION), {
    method: "POST",
    headers: { "content-type": "application/connect+json" },
    client: http1,
  });
  assert.equal(response.status, 505);
  assert.equal(
    await response.text(),
    `Cannot call ${REFLECTION} over HTTP/1.1, as both sides send: use HTTP/2\n`,
  );
});

type ServiceClient = InstanceType<ReturnType<GrpcJs["makeGenericClientConstructor"]>>;

function getTs(client: ServiceClient, count: number): Promise<{ readonly count: number }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly count: number }>();
  const call = client.GetTs;
  assert.ok(call !== undefined);
  call.call(
    client,
    { count },
    (error: Error | null, answer: { readonly count: number }) =>
      error === null ? resolve(answer) : reject(error),
  );
  return promise;
}
