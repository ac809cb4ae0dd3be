// SPDX-License-Identifier: Apache-2.0

import type { EtcdCluster } from "../../_support/engines/etcd_cluster.ts";
import type { EtcdMember } from "../../_support/engines/etcd_member.ts";
import { LONG } from "../../_support/levels.ts";
import { untilStopped } from "./cluster_node.ts";
import { failOver, keepPause, leaderOf } from "./rig.ts";
import type { Fault } from "./rig.ts";

/** Calls of each client while a member is away, and after it came back. */
const CALLS = 20;

/** What can happen to a cluster of etcd below the oracles. */
export function etcdFaults(etcd: EtcdCluster): readonly Fault[] {
  const faults = [
    memberFault("SIGKILL of the leader of etcd", { etcd, victim: () => etcd.leader(), ...KILL }),
    memberFault("SIGSTOP of the leader of etcd", { etcd, victim: () => etcd.leader(), ...PAUSE }),
    memberFault("SIGKILL of a follower of etcd", { etcd, victim: () => etcd.follower(), ...KILL }),
    memberFault("SIGSTOP of a follower of etcd", { etcd, victim: () => etcd.follower(), ...PAUSE }),
  ];
  const worse = LONG ? [bothLeadersKilled(etcd)] : [];
  return [...faults, quorumLost(etcd), restarted(etcd), ...worse];
}

/** How a member is taken away and brought back. */
interface Blow {
  readonly take: (member: EtcdMember) => Promise<void>;
  readonly giveBack: (member: EtcdMember) => void;
}

const KILL: Blow = {
  take: (member) => member.kill(),
  giveBack: (member) => member.start(),
};

const PAUSE: Blow = {
  async take(member) {
    member.pause();
    await untilStopped(member.pid!);
  },
  giveBack: (member) => member.resume(),
};

interface MemberFaultOptions extends Blow {
  readonly etcd: EtcdCluster;
  readonly victim: () => Promise<EtcdMember>;
}

/** One member is away for a while; the others go on. */
function memberFault(name: string, { etcd, victim, take, giveBack }: MemberFaultOptions): Fault {
  return {
    name,
    async strike(rig) {
      const member = await victim();
      await keepPause(rig, name, async () => {
        await take(member);
        await etcd.leader();
        await rig.load.more(CALLS);
      });
      giveBack(member);
      await etcd.healthy();
      await rig.load.more(CALLS);
    },
  };
}

/** Most members are away until no node grants any more, and come back. */
function quorumLost(etcd: EtcdCluster): Fault {
  return {
    name: "quorum of etcd lost and regained",
    async strike({ load, random }) {
      const most = (random(2) === 0 ? etcd.members : etcd.members.toReversed()).slice(1);
      const { take, giveBack } = random(2) === 0 ? KILL : PAUSE;
      for (const member of most) await take(member);
      await load.silence();
      for (const member of most) giveBack(member);
      await etcd.healthy();
      await load.more(CALLS);
    },
  };
}

/** All members are killed at once, and start again with their data. */
function restarted(etcd: EtcdCluster): Fault {
  return {
    name: "etcd restarted with its data",
    async strike({ load }) {
      await Promise.all(etcd.members.map((member) => member.kill()));
      for (const member of etcd.members) member.start();
      await etcd.healthy();
      await load.more(CALLS);
    },
  };
}

/** The leader of the oracles and that of etcd are killed at once. */
function bothLeadersKilled(etcd: EtcdCluster): Fault {
  return {
    name: "SIGKILL of both leaders",
    async strike(rig) {
      const [leader, member] = [await leaderOf(rig), await etcd.leader()];
      await failOver(rig, this.name, () => Promise.all([leader.kill(), member.kill()]));
      member.start();
      await leader.start();
      await etcd.healthy();
      await rig.load.more(CALLS);
    },
  };
}
