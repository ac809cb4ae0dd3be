// SPDX-License-Identifier: Apache-2.0

import * as highWater from "./broken_high_water.ts";
import * as leadership from "./broken_leadership.ts";
import * as leases from "./broken_leases.ts";
import * as sequences from "./broken_sequences.ts";
import type { ModelCluster, ModelNode } from "./model_cluster.ts";

type NodeClass = new (cluster: ModelCluster) => ModelNode;

/** A driver, and what the check that rejects it says: it must not be taken for another fault. */
type BrokenDriver = readonly [NodeClass, RegExp];

/** What is said where a promise is broken by doing nothing, and only there. */
export const NEVER = /^not done in \d+ ms: a call never settled, or an expected event never came$/;
const UPPER_HALF = /a write was accepted under an epoch whose upper half had been overtaken$/;
const DIFFERENT = /^Expected values to be strictly deep-equal/;

/** Drivers that the check of an id must reject, each for a fault of its own. */
export const BROKEN_DRIVERS: Readonly<Record<string, readonly BrokenDriver[]>> = {
  "events-first-is-ready": [[leadership.AnswersLate, /^the first event had to be waited for$/]],
  "events-stay-open": [[leadership.EndsByItself, /^the stream ended by itself$/]],
  "events-end-by-signal": [[leadership.IgnoresItsSignal, NEVER]],
  "events-end-when-signal-has-fired": [[leadership.IgnoresASignalThatHasFired, NEVER]],
  "events-begin-anew": [[
    leadership.SaysNothingTheSecondTime,
    /^the first event of the second stream had to be waited for$/,
  ]],
  "events-one-consumer": [[leadership.KeepsEventsForWhoHasLeft, NEVER]],
  "events-undivided": [
    [leadership.SplitsEventsAmongItsConsumers, NEVER],
    [leadership.LeavesItsConsumerForTheNext, NEVER],
    [leadership.EndsTheFirstStreamAtTheSecond, /^the stream ended by itself with an error$/],
    [
      leadership.RefusesASecondConsumerInItsOwnWords,
      /^a second stream was refused by Error: another consumer reads/,
    ],
  ],
  "events-epochs-never-go-back": [[leadership.ReportsOlderEpochs, /^epoch \d+ came after \d+$/]],
  "certain-until-is-a-number": [[
    leadership.IsCertainUntilNobodyKnows,
    /^certainUntil\(\) returned NaN$/,
  ]],
  "certain-until-ends-first": [[
    leadership.IsCertainForTooLong,
    /^the old leader had been certain for \d+ ms more$/,
  ]],
  "fenced-by-election": [[
    leadership.FencesByItsFirstWrite,
    /^a write was accepted under an epoch that another node's election had overtaken/,
  ]],
  "load-of-empty-store-is-0": [[highWater.BeginsWithOne, /1 !== 0/]],
  "load-linearized": [[highWater.LoadsStaleValues, /0 !== 1/]],
  "load-linearized-across-nodes": [[highWater.LoadsWhatItKnows, /1000 !== 1001/]],
  "persist-at-least": [
    [highWater.SetsInsteadOfMax, /999 !== 1000/],
    [
      highWater.EchoesTheRequest,
      /999 !== 1000/,
    ],
  ],
  "persist-range": [[highWater.TakesAnyNumber, /^Missing expected rejection/]],
  "persist-durable": [[highWater.ForgetsAtItsEnd, /0 !== 1000/]],
  "persist-fenced": [[
    highWater.IgnoresEpochs,
    /^persistHighWater\(\) was accepted under an epoch that is not the newest$/,
  ]],
  "persist-fenced-upper-half": [[highWater.ComparesLowerHalves, UPPER_HALF]],
  "persist-concurrent": [[highWater.AnswersAllWithOneWrite, /^1000 was returned for 1007$/]],
  "persist-cancel-safe": [[highWater.IsHarmedByWhoGivesUp, /^loaded 70368744177663$/]],
  "deadline-of-persist": [
    [highWater.WaitsForEver, NEVER],
    [
      highWater.TakesSilenceForConsent,
      /^persistHighWater\(\) was answered although the engine was silent$/,
    ],
  ],
  "deadline-of-load": [[highWater.WaitsForEver, NEVER]],
  "silence-passes": [[highWater.NeverConnectsAgain, NEVER]],
  "faults-are-transient": [[
    highWater.TakesFaultsForPermanent,
    /a call threw PermanentError: the connection was lost$/,
  ], [highWater.LetsForeignErrorsThrough, /a call threw Error: read ECONNRESET$/]],
  "faults-pass": [[highWater.NeverConnectsAgain, NEVER]],
  "events-outlive-faults": [[
    leadership.EndsItsStreamWithItsConnection,
    /^the stream ended by itself$/,
  ]],
  "has-sequences": [[sequences.LacksABatch, /^the driver lacks advanceDenseBatch;/]],
  "dense-from-0": [[sequences.ForgetsABlock, /3n !== 0n/]],
  "dense-keys-are-bytes": [[sequences.FoldsKeys, /^"é"\s+13n !== 6n/]],
  "dense-batch-order": [[sequences.AnswersInTheOrderOfKeys, DIFFERENT]],
  "dense-concurrent": [[
    sequences.SharesBlocks,
    /^two blocks overlap, or there is a gap between them/,
  ]],
  "dense-aborted-before": [[sequences.IgnoresSignals, /^Missing expected rejection/]],
  "dense-given-up": [[sequences.ForgetsWhoGaveUp, /^7 is next, 0 were taken$/]],
  "dense-durable": [[highWater.ForgetsAtItsEnd, /0n !== 1n/]],
  "dense-linearized-across-nodes": [[sequences.CountsByItself, /0n !== 1n/]],
  "dense-on-successor": [[sequences.CountsByItself, /0n !== 3n/]],
  "dense-fenced": [[
    highWater.IgnoresEpochs,
    /^advanceDense\(\) was accepted under an epoch that is not the newest$/,
  ]],
  "dense-fenced-upper-half": [[highWater.ComparesLowerHalves, UPPER_HALF]],
  "dense-overflow": [[sequences.TakesHalfOfABatch, DIFFERENT]],
  "dense-key-limit": [[sequences.TakesHalfOfABatch, DIFFERENT]],
  "dense-deadline": [[highWater.WaitsForEver, NEVER]],
  "dense-without-answer": [[sequences.TriesAgain, /took its block 2 times$/]],
  "dense-through-faults": [[sequences.TriesAgain, /took its block 2 times$/]],
  "has-leases": [[leases.LacksPersistLeases, /^the driver lacks persistLeases;/]],
  "leases-of-empty-store": [[leases.FindsLeasesOfNobody, DIFFERENT]],
  "leases-whole": [[leases.CutsHolders, DIFFERENT]],
  "leases-replaced": [[leases.KeepsOldLeases, DIFFERENT]],
  "leases-order": [[leases.PersistsLeasesInAnyOrder, DIFFERENT]],
  "leases-durable": [[highWater.ForgetsAtItsEnd, DIFFERENT]],
  "leases-linearized-across-nodes": [[leases.LoadsLeasesOnce, DIFFERENT]],
  "leases-fenced": [[
    highWater.IgnoresEpochs,
    /^persistLeases\(\) was accepted under an epoch that is not the newest$/,
  ]],
  "leases-fenced-upper-half": [[highWater.ComparesLowerHalves, UPPER_HALF]],
  "leases-deadline": [[highWater.WaitsForEver, NEVER]],
  "leases-late-replacement": [[leases.PersistsLeasesTooLate, DIFFERENT]],
  "has-resignation": [[leadership.LacksResign, /^the driver lacks resign;/]],
  "resign-ends-certainty": [[
    leadership.ResignsWithoutEndingItsCertainty,
    /^certain for \d+ ms more at the call$/,
  ]],
  "resign-hands-over": [[leadership.ResignsInWordsOnly, NEVER]],
  "resign-lets-lead-at-once": [[
    leadership.ResignsWithoutAWord,
    /^after 10 resignations a standby led as late as after a crash$/,
  ]],
  "resign-overtakes-epoch": [[
    leadership.FencesByItsFirstWrite,
    /^persistHighWater\(\) was accepted under an epoch that is not the newest$/,
  ]],
  "resign-is-for-good": [[
    leadership.LeadsAgainAfterItResigned,
    /^the driver led again after it had resigned$/,
  ]],
  "resign-wait-ends-by-signal": [
    [leadership.WaitsForASuccessorForEver, NEVER],
    [
      leadership.KnowsASuccessorThatIsNotThere,
      /true !== false/,
    ],
  ],
  "resign-of-follower": [[
    leadership.DeposesTheLeader,
    /^the write carried epoch \d+, the store holds \d+$/,
  ]],
};
