/** @mabeam/agents: what an agent is, and the processes that are made of them. The public names. */
export { agentSpecErrors, agentSpecSchema, hostingForms, parseAgentSpec } from './agent-spec.ts';
export type { AgentSpec, AgentSpecInput } from './agent-spec.ts';
export {
  defaultSupervision,
  escalations,
  supervisionPolicySchema,
  supervisionStrategies,
} from './supervision-policy.ts';
export type { SupervisionPolicy } from './supervision-policy.ts';
export { wireForm } from './agent-specs.ts';
export type { WireForm } from './agent-specs.ts';
export { agentErrors } from './errors.ts';
export { defineAgent, edgeHandler } from './define.ts';
export type {
  AgentDefinition,
  AgentForm,
  AgentOptions,
  EdgeHandler,
  EdgeHandlerOptions,
  EdgeHandlers,
} from './define.ts';
export type { AgentContext, CallContext, EdgeContext, Instance, TaskContext, Ways } from './context.ts';
export type { AgentParty, NegotiationEnding, PartyContext, WithContext } from './voice.ts';
export type {
  AgentApply,
  AgentCommittee,
  AgentDecided,
  AgentGossip,
  AgentQuestion,
  AgentSigner,
  AgentVote,
  CommitteeQuestion,
  CommittedOperation,
  GossipQuestion,
  LedgerQuestion,
  VoteContext,
} from './signed-voice.ts';
export { changeProposal, readChange } from './change-vote.ts';
export type { ProposedChange } from './change-vote.ts';
export { makeProposal, readProposal } from './local-proposal.ts';
export type { ProposalBody } from './local-proposal.ts';
export { recruitAgent } from './recruit.ts';
export type { AgentMaker } from './recruit.ts';
export { endProcess, runAgent } from './run-agent.ts';
export { AgentCrew, startAgent, startAgents } from './crew.ts';
export type { CrewMember, CrewOptions } from './crew.ts';
export { startWorkerAgent, WorkerAgent } from './worker-agent.ts';
export type { WorkerAgentOptions } from './worker-agent.ts';
export { agentActions, directAgent } from './directive.ts';
export type { AgentAction, DirectiveAnswer, DirectiveBody, DirectOptions } from './directive.ts';
export { edgeKinds, edgeSubject, hopLimit } from './edge.ts';
export type { EdgeKind } from './edge.ts';
export type { SendOptions, SendResult } from './edge-sender.ts';
export { agentStatuses, followStatus, mayFollow } from './status.ts';
export type { AgentStatus } from './status.ts';
export { appliedEveryMs, parseApplied } from './applied-signal.ts';
export type { AppliedReport } from './applied-signal.ts';
export { metricsEveryMs, metricsQuietMs, parseMetrics } from './metrics-signal.ts';
export type { InstanceMetrics, MetricsReport } from './metrics-signal.ts';
export type { MeterReading } from './metrics-meter.ts';
export { giveScore, parseScore, qualityMetric } from './metrics-score.ts';
export type { ScoreBody } from './metrics-score.ts';
export type { ScoreOptions } from './ways.ts';
export { heartbeatEveryMs, parseHeartbeat } from './heartbeat.ts';
export type { Heartbeat } from './heartbeat.ts';
export { parseHosting, publicKeyIn, seedVariable } from './hosting.ts';
export type { Environment, Hosting } from './hosting.ts';
export { publicKeys } from './key-directory.ts';
export type { KeyOptions, PublishedKey } from './key-directory.ts';
export { seedFor } from './seed.ts';
export { hasVoice, isPermitted, orchestratorName, permissions, roleProblem } from './rights.ts';
export type { Permission, RoleSpec } from './rights.ts';
export { admit, peersOf } from './wiring.ts';
