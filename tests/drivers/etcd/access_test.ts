// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { ConsensusError, PermanentError } from "../../../src/consensus/errors.ts";
import { makeCertificates } from "../../_support/certs.ts";
import { ETCD_MISSING, EtcdCluster, ETCDCTL_MISSING } from "../../_support/engines/etcd_cluster.ts";
import { ioTestNeeding } from "../../_support/levels.ts";
import { CALM, openStore } from "./_support/etcd_rig.ts";

ioTestNeeding(
  ETCD_MISSING,
  "etcd is reached with TLS and a client's certificate, and not without",
  async () => {
    const certificates = await makeCertificates();
    await using cluster = await EtcdCluster.start({ tls: certificates });
    const { caPem: ca, client } = certificates;
    const urls = cluster.endpoints;
    await using store = openStore({ urls, tls: { ca, cert: client.certPem, key: client.keyPem } });
    await store.prepare(CALM);
    assert.equal(await store.loadHighWater(CALM), 0);
    for (const options of [{ tls: { ca } }, {}]) {
      await using refused = openStore({ urls, ...options });
      await assert.rejects(refused.prepare({ timeoutMs: 2_000 }), (error) => {
        assert.ok(error instanceof ConsensusError && !(error instanceof PermanentError));
        assert.match(error.message, /^(Cannot reach etcd|etcd) at https:/);
        return true;
      });
    }
  },
);

ioTestNeeding(
  ETCDCTL_MISSING,
  "a certificate stands for the user of its name, who needs the keys of the prefix",
  async () => {
    const certificates = await makeCertificates();
    await using cluster = await EtcdCluster.start({ tls: certificates });
    const { caPem: ca, client } = certificates;
    for (
      const command of [
        "user add root --no-password",
        "user grant-role root root",
        "user add client --no-password",
        "role add oracle",
        "role grant-permission oracle readwrite --prefix=true mine/",
        "user grant-role client oracle",
        "auth enable",
      ]
    ) await cluster.etcdctl(...command.split(" "));
    const tls = { ca, cert: client.certPem, key: client.keyPem };
    await using store = openStore({ urls: cluster.endpoints, tls, prefix: "mine" });
    await store.prepare(CALM);
    assert.equal(await store.loadHighWater(CALM), 0);
    await using other = openStore({ urls: cluster.endpoints, tls, prefix: "others" });
    await assert.rejects(other.prepare(CALM), (error) => {
      assert.ok(error instanceof PermanentError);
      assert.match(
        error.message,
        /permission denied; let the user of etcd read and write all keys/,
      );
      return true;
    });
  },
);
