/** @mabeam/coordination: agreement among parties. The public names. */
export { coordinationErrors } from './errors.ts';
export type { CoordinationErrorCode } from './errors.ts';
export { establishConsensus } from './consensus/establish.ts';
export type { ConsensusOptions } from './consensus/establish.ts';
export { joinConsensus } from './consensus/join.ts';
export type { Vote, VoteQuestion, VoterVoice } from './consensus/join.ts';
export { decidedValue } from './consensus/outcome.ts';
export type { Consensus, ConsensusEnding, ConsensusRecord } from './consensus/outcome.ts';
export { verifyCertificate } from './consensus/certificate.ts';
export type { Certificate, Verification, VerifyOptions } from './consensus/certificate.ts';
export { standingOf, voteAlgorithms, writePaper } from './consensus/paper.ts';
export type {
  BallotPaper,
  Choice,
  Count,
  CountingRule,
  PaperParts,
  Standing,
  VoteAlgorithm,
  Voter,
  VotingParty,
} from './consensus/paper.ts';
export { establishPbft } from './consensus/pbft/establish.ts';
export type { CommitteeMember, PbftOptions, PbftOutcome } from './consensus/pbft/establish.ts';
export { joinPbft } from './consensus/pbft/join.ts';
export type { MemberVoice } from './consensus/pbft/join.ts';
export { pbftPurpose, verifyPbftDecision, writePbftPaper } from './consensus/pbft/paper.ts';
export type { PbftDecision, PbftPaper, PbftVerification } from './consensus/pbft/paper.ts';
export { committeeOf, primaryOf, quorumOf } from './consensus/pbft/committee.ts';
export type { Committee } from './consensus/pbft/committee.ts';
export { createReplica } from './consensus/pbft/replica.ts';
export type {
  Replica,
  ReplicaInput,
  ReplicaOptions,
  ReplicaState,
  ReplicaStep,
} from './consensus/pbft/replica.ts';
export { culpritsOf, isDecisionProof } from './consensus/pbft/proof.ts';
export type { Justification, PbftCertificate, PreparedProof } from './consensus/pbft/proof.ts';
export { readPbftMessage } from './consensus/pbft/message.ts';
export type { PbftMessage } from './consensus/pbft/message.ts';
export type {
  Commit,
  Prepare,
  Propose,
  SignatureCheck,
  Signed,
  Statement,
  ViewChange,
} from './consensus/pbft/statement.ts';
export { appendToLog, ensureLogs } from './consensus/log/append.ts';
export type { Appended, AppendOptions } from './consensus/log/append.ts';
export { logStream, logSubject, startOfLog } from './consensus/log/entry.ts';
export type { LogEntry, LogTip } from './consensus/log/entry.ts';
export { followLog, lastLogSequence, readLog } from './consensus/log/read.ts';
export { verifyLogCertificate } from './consensus/log/receipt.ts';
export type { LogCertificate, LogMember, LogVerification, Receipt } from './consensus/log/receipt.ts';
export { establishGossip } from './consensus/gossip/establish.ts';
export type { GossipOutcome, GossipRoundOptions } from './consensus/gossip/establish.ts';
export { attendGossip } from './consensus/gossip/attend.ts';
export type { GossipVoice } from './consensus/gossip/attend.ts';
export { GossipMember, joinGossip } from './consensus/gossip/join.ts';
export type { GossipOptions, GossipParty } from './consensus/gossip/join.ts';
export { verifyGossipCertificate } from './consensus/gossip/paper.ts';
export type { GossipCertificate, GossipPaper, GossipVerification } from './consensus/gossip/paper.ts';
export type { GossipEntry } from './consensus/gossip/entry.ts';
export { establishLedger } from './consensus/ledger/establish.ts';
export type { LedgerOptions, LedgerOutcome } from './consensus/ledger/establish.ts';
export { joinLedger } from './consensus/ledger/join.ts';
export type { DraftOccasion, LedgerVoice } from './consensus/ledger/join.ts';
export { followLedger, openLedger, readLedger } from './consensus/ledger/read.ts';
export type { LedgerReader, LedgerReading, ReadLedgerOptions } from './consensus/ledger/read.ts';
export type { IgnoredEntry, LedgerCopy } from './consensus/ledger/copy.ts';
export { chooseFork, treeHead, verifiedBlocks, verifyLedger } from './consensus/ledger/chain.ts';
export type {
  BlockProblem,
  ChainContext,
  LedgerTrust,
  LedgerVerification,
  Tip,
} from './consensus/ledger/chain.ts';
export {
  proveChange,
  proveContinuation,
  verifyContinuation,
  verifyInclusion,
} from './consensus/ledger/inclusion.ts';
export type {
  ContinuationProof,
  InclusionProof,
  InclusionVerification,
} from './consensus/ledger/inclusion.ts';
export type { TreeHead } from './consensus/ledger/merkle-tree.ts';
export { ledgerLog, verifyLedgerCertificate } from './consensus/ledger/certificate.ts';
export type {
  LedgerCertificate,
  LedgerCertificateVerification,
  PlacedBlock,
} from './consensus/ledger/certificate.ts';
export { hashOfBlock } from './consensus/ledger/block.ts';
export type { Block, BlockDraft, BlockHead, BlockVote, LedgerMember } from './consensus/ledger/block.ts';
export { attendRaft } from './consensus/raft/attend.ts';
export type { RaftAttendance } from './consensus/raft/attend.ts';
export type { Applied, ApplyOperation, OperationPlace } from './consensus/raft/applying.ts';
export { verifyRaftDecision } from './consensus/raft/decision.ts';
export type { RaftVerification } from './consensus/raft/decision.ts';
export { establishRaft } from './consensus/raft/establish.ts';
export type { RaftOptions, RaftOutcome } from './consensus/raft/establish.ts';
export { joinRaft } from './consensus/raft/join.ts';
export type { RaftVoice } from './consensus/raft/join.ts';
export type { RaftMember } from './consensus/raft/member.ts';
export type { RaftElector } from './consensus/raft/paper.ts';
export type { MemberAnswer } from './consensus/raft/proposal.ts';
export { proposeEntry } from './consensus/raft/propose.ts';
export type { Proposed, ProposeOptions } from './consensus/raft/propose.ts';
export {
  agreedDecision,
  decisionAlgorithm,
  decisionAlgorithms,
  decisionTerms,
  isDecisionProtocol,
} from './consensus/algorithms.ts';
export type { Decision, DecisionAlgorithm, DecisionOptions, DecisionTerm } from './consensus/algorithms.ts';
export { verifyDecision } from './consensus/verify-decision.ts';
export type { CertifiedDecision, DecisionTrust, DecisionVerification } from './consensus/verify-decision.ts';
export { capWeights, expertiseWeights } from './consensus/expertise.ts';
export type { Expertise } from './consensus/expertise.ts';
export type { SignedVote } from './consensus/vote.ts';
export { negotiateValue } from './negotiation/negotiate.ts';
export type { NegotiationOptions } from './negotiation/negotiate.ts';
export type { KnownParty, NegotiatingParty } from './negotiation/electorate.ts';
export { parseParties } from './negotiation/parse-parties.ts';
export { agreedValue } from './negotiation/outcome.ts';
export type { Negotiation, NegotiationRecord } from './negotiation/outcome.ts';
export { participate } from './negotiation/participate.ts';
export type { Occasion, Participation, PartyVoice, StatedStance } from './negotiation/participate.ts';
export type { OpeningQuestion } from './negotiation/messages.ts';
export { strategyNamed, strategyNames } from './negotiation/strategies.ts';
export type { StrategyName } from './negotiation/strategies.ts';
export { endWith, settleGiven } from './negotiation/strategy.ts';
export type {
  Agreed,
  Answer,
  Answers,
  Asked,
  Objection,
  Proceeding,
  Question,
  Settlement,
  StatedValue,
  Strategy,
} from './negotiation/strategy.ts';
export { termsOf } from './negotiation/terms.ts';
export type {
  AuctionForm,
  AuctionTerms,
  ConsensusTerms,
  GeneticTerms,
  HierarchyTerms,
  MarketTerms,
  PaymentRule,
  TermOptions,
  Terms,
} from './negotiation/terms.ts';
export type { BundleBid, Order, Position, Stance, Utility, UtilityTable } from './negotiation/position.ts';
export { fitValue } from './negotiation/value-range.ts';
export type { ValueRange } from './negotiation/value-range.ts';
export { learnReliabilities, reliabilityFactors } from './negotiation/learned-reliability.ts';
export type { Judgement, LearnOptions, Reliability } from './negotiation/learned-reliability.ts';
export type { Participant, ParticipantOutcome } from './session/session.ts';
export type { RoundOptions } from './session/round-options.ts';
export { roundHeader } from './session/round.ts';
export { readRounds } from './session/kept-rounds.ts';
export type { KeptRound } from './session/kept-rounds.ts';
export { negotiationConformance } from './conformance/negotiation.ts';
export type { ConformanceCase, NegotiationConformanceOptions } from './conformance/negotiation.ts';
export { detectConflicts } from './conflicts/conflict.ts';
export type { Claim, Conflict, ConflictKind, ValueLimits, Wish } from './conflicts/conflict.ts';
export { conflictStrategies, electLeader, resolveConflicts, strategyOf } from './conflicts/resolve.ts';
export type {
  ConflictStrategy,
  ConflictStrategyName,
  ResolveOptions,
  Resolved,
} from './conflicts/resolve.ts';
export type { TurnOptions } from './conflicts/compromise.ts';
export { overrideBy } from './conflicts/resolution.ts';
export type { Attempt, CompromiseType, Overridden, Resolution } from './conflicts/resolution.ts';
export { countVotes, votingRules } from './conflicts/voting.ts';
export type { Ballot, VotingRule } from './conflicts/voting.ts';
export { defaultSlotMs, holderAt, rotationMs, slotAt } from './conflicts/schedule.ts';
export type { Schedule, Slot, Turn } from './conflicts/schedule.ts';
export { endSchedule, followSchedule, readSchedule, storeSchedule } from './conflicts/turns.ts';
export { settleConflicts } from './conflicts/settle.ts';
export type { SettleOptions, Settled } from './conflicts/settle.ts';
export { attendConflicts } from './conflicts/attend.ts';
export type { ConflictVoice } from './conflicts/attend.ts';
export type { Candidacy, Verdict } from './conflicts/messages.ts';
export { coordinateResources } from './resources/coordinate.ts';
export type { Division } from './resources/coordinate.ts';
export { poolOf } from './resources/request.ts';
export type {
  DeniedRequest,
  GrantCondition,
  GrantDuration,
  ResourceGrant,
  ResourceRequest,
} from './resources/request.ts';
export {
  countDominantTasks,
  divideDominantly,
  dominantShare,
  orderByDominantShare,
} from './resources/dominant.ts';
export type { Bundle, TaskDemand } from './resources/dominant.ts';
export { planAllocation } from './resources/plan.ts';
export type { PlanOptions, PlanResult } from './resources/plan.ts';
export type { AssignmentProblem } from './resources/assignment.ts';
export { openDesk, readBook, ResourceDesk } from './resources/desk.ts';
export type { DeskOptions } from './resources/desk.ts';
export type { Book, BookedGrant, LeavingReason } from './resources/book.ts';
export { runDesk } from './resources/run-desk.ts';
export type { RunDeskOptions } from './resources/run-desk.ts';
export { HeldGrant, joinGrant, requestResources } from './resources/held-grant.ts';
export type { AskResult, ResourceAsk } from './resources/held-grant.ts';
export { coordinateHierarchy } from './hierarchy/coordinate-hierarchy.ts';
export type { Coordinated, HierarchyDirective, HierarchyOptions } from './hierarchy/coordinate-hierarchy.ts';
export { serveHierarchy } from './hierarchy/serve-hierarchy.ts';
export type { HierarchyVoice } from './hierarchy/serve-hierarchy.ts';
export { divideTasks, superiorsOf } from './hierarchy/plan.ts';
export type { Assignment, CoordinationPlan, PlanTask, Subordinate } from './hierarchy/plan.ts';
export type { Beginning, DivideQuestion, Feedback, Offer, Report } from './hierarchy/messages.ts';
export { ensureRecords, recordsBucket } from './session/records.ts';
export { voteConformance } from './conformance/consensus.ts';
export type { VoteConformanceOptions } from './conformance/consensus.ts';
export { agreementConformance } from './conformance/agreement.ts';
export type {
  AgreementCase,
  AgreementOptions,
  AgreementRun,
  AgreementScenario,
} from './conformance/agreement.ts';
export { conflictConformance } from './conformance/conflict-resolution.ts';
export { divisionConformance } from './conformance/fair-division.ts';
export type { Divider } from './conformance/fair-division.ts';
