// SPDX-License-Identifier: Apache-2.0

import type { ServerPlan } from "../_scripted/script.ts";
import { expect, expectFailure, expectSame } from "./_support/expect.ts";
import type { Scenario } from "./_support/scenario.ts";
import { Witness } from "./_support/witness.ts";

const NEEDS = { needs: "certificates" } as const;

/** How a TLS handshake begins: a record of type 22, version 3. */
const HANDSHAKE = /^1603/;

/** Settings that end a call soon: it cannot succeed. */
const HOPELESS = { maxAttempts: 2, baseBackoffMs: 1 } as const;

/** The authority of the server. */
export const trustedServer: Scenario = {
  ...NEEDS,
  name: "a server whose authority is trusted is used over TLS, and so is the leader it names",
  async run(scene) {
    const cluster = await scene.open({ tls: "server" }, { tls: "server" });
    await cluster.elect(1);
    const { ca } = await scene.certificates();
    const client = scene.connect({ cluster, tls: { ca }, endpoints: [cluster.address(0)] });
    const witness = new Witness(client);
    await Promise.all([witness.getTs(), witness.getTsBatch(10)]);
    await client.getSeq("orders");
    expectSame(client.cachedLeader, cluster.address(1), "the leader");
    for (const head of [...await cluster.heads(0), ...await cluster.heads(1)]) {
      expect(HANDSHAKE.test(head), `a connection began with ${head}, in plaintext`);
    }
    witness.check();
  },
};

/** Another authority. */
export const untrustedServer: Scenario = {
  ...NEEDS,
  name: "a server of another authority is not used, and nothing is sent to it",
  async run(scene) {
    const cluster = await scene.open({ tls: "server" });
    const { wrongCa } = await scene.certificates();
    const client = scene.connect({ cluster, tls: { ca: wrongCa }, retry: HOPELESS });
    await expectFailure(client.getTs(), "unreachable");
    await expectFailure(client.getSeq("orders"), "unreachable");
    expectSame((await cluster.log()).length, 0, "requests");
  },
};

/** A handshake that never ends. */
export const frozenHandshake: Scenario = {
  ...NEEDS,
  name:
    "a request for ordinals waits for the handshake: without one it is not sent, and goes elsewhere",
  async run(scene) {
    const cluster = await scene.open({ tls: "server" }, { tls: "server" });
    await cluster.elect(1);
    await cluster.do("freeze", 0);
    const { ca } = await scene.certificates();
    const client = scene.connect({ cluster, tls: { ca }, retry: { attemptTimeoutMs: 1_000 } });
    expectSame((await client.getSeq("orders")).start, 0n, "the first ordinal");
    await cluster.do("thaw", 0);
    expectSame((await cluster.log()).length, 1, "requests");
  },
};

/** Certificates on both sides. */
export const mutualTls: Scenario = {
  ...NEEDS,
  name: "a server that asks for a certificate serves its own clients and no others",
  async run(scene) {
    const cluster = await scene.open({ tls: "mutual" });
    const { ca, cert, key, strangerCert, strangerKey } = await scene.certificates();
    const known = scene.connect({ cluster, tls: { ca, cert, key } });
    await known.getTs();
    const requests = (await cluster.log()).length;
    const others = [{ ca }, { ca, cert: strangerCert, key: strangerKey }];
    for (const tls of others) {
      const client = scene.connect({ cluster, tls, retry: HOPELESS });
      await expectFailure(client.getTs(), "unreachable");
    }
    expectSame((await cluster.log()).length, requests, "requests");
  },
};

/** A hint at a server without TLS. */
export const noDowngrade: readonly Scenario[] = ([
  ["names a plaintext server", false],
  ["names it with a scheme", true],
] as const).map(([what, withScheme]) => ({
  ...NEEDS,
  name: `a hint over TLS that ${what} gets no request in plaintext`,
  async run(scene) {
    const plaintext = await scene.open({});
    const endpoint = `${withScheme ? "http://" : ""}${plaintext.address(0)}`;
    const liar: ServerPlan = {
      tls: "server",
      then: { do: "not-leader", hint: { kind: "endpoint", endpoint, epoch: "9" } },
    };
    const cluster = await scene.open(liar);
    const { ca } = await scene.certificates();
    const client = scene.connect({ cluster, tls: { ca }, retry: HOPELESS });
    await expectFailure(client.getTs(), withScheme ? "bad-response" : "unreachable");
    expect((await cluster.log()).length > 0, "the TLS server was not asked");
    expectSame((await plaintext.log()).length, 0, "requests to the plaintext server");
    for (const head of await plaintext.heads(0)) {
      expect(HANDSHAKE.test(head), `a connection began with ${head}, in plaintext`);
    }
  },
}));

/** An address that asks for plaintext. */
export const explicitScheme: Scenario = {
  ...NEEDS,
  name: "a scheme that the user writes is stronger than the setting, in both directions",
  async run(scene) {
    const cluster = await scene.open({}, { tls: "server" });
    const { ca } = await scene.certificates();
    const plain = scene.connect({
      cluster,
      tls: { ca },
      endpoints: [`http://${cluster.address(0)}`],
    });
    await plain.getTs();
    await cluster.elect(1);
    const secure = scene.connect({
      cluster,
      tls: { ca },
      endpoints: [`https://${cluster.address(1)}`],
    });
    await secure.getTs();
    expectSame(await cluster.calls(1), 1, "requests over TLS");
  },
};
