// SPDX-License-Identifier: Apache-2.0

import * as highWater from "./broken_high_water.ts";
import * as leadership from "./broken_leadership.ts";
import * as leases from "./broken_leases.ts";
import * as sequences from "./broken_sequences.ts";
import type { ModelCluster, ModelNode } from "./model_cluster.ts";

type NodeClass = new (cluster: ModelCluster) => ModelNode;

/** Drivers that the check of an id must reject, each for a fault of its own. */
export const BROKEN_DRIVERS: Readonly<Record<string, readonly NodeClass[]>> = {
  "events-first-is-ready": [leadership.AnswersLate],
  "events-stay-open": [leadership.EndsByItself],
  "events-end-by-signal": [leadership.IgnoresItsSignal],
  "events-end-when-signal-has-fired": [leadership.IgnoresASignalThatHasFired],
  "events-begin-anew": [leadership.SaysNothingTheSecondTime],
  "events-one-consumer": [leadership.KeepsEventsForWhoHasLeft],
  "events-epochs-never-go-back": [leadership.ReportsOlderEpochs],
  "certain-until-is-a-number": [leadership.IsCertainUntilNobodyKnows],
  "certain-until-ends-first": [leadership.IsCertainForTooLong],
  "fenced-by-election": [leadership.FencesByItsFirstWrite],
  "load-of-empty-store-is-0": [highWater.BeginsWithOne],
  "load-linearized": [highWater.LoadsStaleValues],
  "load-linearized-across-nodes": [highWater.LoadsWhatItKnows],
  "persist-at-least": [highWater.SetsInsteadOfMax, highWater.EchoesTheRequest],
  "persist-range": [highWater.TakesAnyNumber],
  "persist-durable": [highWater.ForgetsAtItsEnd],
  "persist-fenced": [highWater.IgnoresEpochs],
  "persist-fenced-upper-half": [highWater.ComparesLowerHalves],
  "persist-concurrent": [highWater.AnswersAllWithOneWrite],
  "persist-cancel-safe": [highWater.IsHarmedByWhoGivesUp],
  "deadline-of-persist": [highWater.WaitsForEver, highWater.TakesSilenceForConsent],
  "deadline-of-load": [highWater.WaitsForEver],
  "silence-passes": [highWater.NeverConnectsAgain],
  "faults-are-transient": [highWater.TakesFaultsForPermanent, highWater.LetsForeignErrorsThrough],
  "faults-pass": [highWater.NeverConnectsAgain],
  "events-outlive-faults": [leadership.EndsItsStreamWithItsConnection],
  "has-sequences": [sequences.LacksABatch],
  "dense-from-0": [sequences.ForgetsABlock],
  "dense-keys-are-bytes": [sequences.FoldsKeys],
  "dense-batch-order": [sequences.AnswersInTheOrderOfKeys],
  "dense-concurrent": [sequences.SharesBlocks],
  "dense-aborted-before": [sequences.IgnoresSignals],
  "dense-given-up": [sequences.ForgetsWhoGaveUp],
  "dense-durable": [highWater.ForgetsAtItsEnd],
  "dense-fenced": [highWater.IgnoresEpochs],
  "dense-fenced-upper-half": [highWater.ComparesLowerHalves],
  "dense-overflow": [sequences.TakesHalfOfABatch],
  "dense-key-limit": [sequences.TakesHalfOfABatch],
  "dense-deadline": [highWater.WaitsForEver],
  "dense-without-answer": [sequences.TriesAgain],
  "dense-through-faults": [sequences.TriesAgain],
  "has-leases": [leases.LacksPersistLeases],
  "leases-of-empty-store": [leases.FindsLeasesOfNobody],
  "leases-whole": [leases.CutsHolders],
  "leases-replaced": [leases.KeepsOldLeases],
  "leases-order": [leases.PersistsLeasesInAnyOrder],
  "leases-durable": [highWater.ForgetsAtItsEnd],
  "leases-fenced": [highWater.IgnoresEpochs],
  "leases-fenced-upper-half": [highWater.ComparesLowerHalves],
  "leases-deadline": [highWater.WaitsForEver],
  "leases-late-replacement": [leases.PersistsLeasesTooLate],
  "has-resignation": [leadership.LacksResign],
  "resign-ends-certainty": [leadership.ResignsWithoutEndingItsCertainty],
  "resign-hands-over": [leadership.ResignsInWordsOnly],
  "resign-overtakes-epoch": [leadership.FencesByItsFirstWrite],
  "resign-is-for-good": [leadership.LeadsAgainAfterItResigned],
  "resign-wait-ends-by-signal": [
    leadership.WaitsForASuccessorForEver,
    leadership.KnowsASuccessorThatIsNotThere,
  ],
  "resign-of-follower": [leadership.DeposesTheLeader],
};
