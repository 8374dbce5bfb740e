/** @mabeam/orchestrator: the control loop of a space. The public names. */
export { orchestratorErrors } from './errors.ts';
export { nearestWord } from './definition/nearest-word.ts';
export { parseSpaceDefinition } from './definition/parse-space-definition.ts';
export type { ParseOptions } from './definition/parse-space-definition.ts';
export { parseVariableDefinitions } from './definition/parse-variables.ts';
export { parseValues } from './definition/parse-values.ts';
export type { WantedValue } from './definition/parse-values.ts';
export { spaceSchema } from './definition/definition-form.ts';
export { assertSpaceDefinition } from './definition/space-definition.ts';
export type { SpaceDefinition } from './definition/space-definition.ts';
export type { DefinitionProblem } from './definition/definition-document.ts';
export type { ScalingPolicy, ScalingTarget } from './definition/scaling-policy.ts';
export type { DeclaredEdge, SpacePool, SpaceRecord } from './definition/space-record.ts';
export { scaleKey } from './state/scale-entry.ts';
export type { ScaleEntry } from './state/scale-entry.ts';
export { compareSpace, createSpace, previewSpace } from './definition/create-space.ts';
export type { CreateSpaceOptions, SpaceCreated, SpacePreview } from './definition/create-space.ts';
export { deleteSpace } from './definition/delete-space.ts';
export type { DeleteSpaceOptions, SpaceDeleted } from './definition/delete-space.ts';
export { diffSpace } from './definition/diff-space.ts';
export type { FieldDifference, PartDifference } from './definition/diff-space.ts';
export { readSpace } from './definition/read-space.ts';
export type { DefinedSpace, ReadSpaceOptions } from './definition/read-space.ts';
export { spaceDocument, spaceYaml } from './definition/space-text.ts';
export type {
  AdaptationRule,
  Modification,
  RuleCondition,
  RuleGuard,
  RuleOccasion,
} from './adaptation/adaptation-rule.ts';
export { adaptationKey, parseAdaptationRecord } from './adaptation/adaptation-record.ts';
export type {
  AdaptationApplied,
  AdaptationChange,
  AdaptationDecided,
  AdaptationOutcome,
  AdaptationRecord,
} from './adaptation/adaptation-record.ts';
export type { AdaptationVote } from './adaptation/vote-record.ts';
export { identityHash, readTrigger } from './adaptation/trigger.ts';
export type { MalformedTrigger, Trigger, TriggerIdentity, TriggerMessage } from './adaptation/trigger.ts';
export {
  activeAgents,
  desiredGraph,
  desiredInstances,
  selectionsOf,
  topologyVariable,
} from './instances/desired.ts';
export type { DefinedAgent, DesiredInstance } from './instances/desired.ts';
export type { RecoveryStanding } from './recovery/standing.ts';
export { reportFailure } from './recovery/report-failure.ts';
export type { FailureReport, FailureReported } from './recovery/report-failure.ts';
export { foresee } from './state/foresight.ts';
export type { Foresight, Rewiring, SpaceAtWork } from './state/foresight.ts';
export { awaitApplied } from './state/await-applied.ts';
export type { AwaitOptions, Standing } from './state/await-applied.ts';
export type { Laggard } from './adaptation/settlement.ts';
export { spaceRecordOf } from './state/space-state.ts';
export { openSpaceMirror, SpaceMirror } from './state/space-mirror.ts';
export { MultiAgentSpace, openSpace } from './space/multi-agent-space.ts';
export type { AskOptions, OpenSpaceOptions } from './space/multi-agent-space.ts';
export type { PartAdded } from './space/add-part.ts';
export type { AgentsStarted, AgentsStopped, StartOptions } from './space/start-agents.ts';
export type { StartFailure } from './space/start-verdict.ts';
export type { SpaceCoordinated, ToldDirective } from './space/coordinate-space.ts';
export type { DirectiveConflict } from './space/plan-coordination.ts';
export type { VariableAdapted } from './space/space-commands.ts';
export type { SpaceSnapshot, ValueNow } from './space/snapshot.ts';
export { isAsDesired, spaceStanding } from './space/standing.ts';
export type { SpaceStanding } from './space/standing.ts';
export { deleteVariable, deletionSite, planDeletion } from './state/delete-variable.ts';
export type { DeleteOptions, DeletionSite } from './state/delete-variable.ts';
export { reconcile } from './instances/reconcile.ts';
export { poolIn, reservationsIn, waitingIn } from './state/reconcile-input.ts';
export type { Reservation } from './state/reconcile-input.ts';
export type { PoolState } from './instances/pool.ts';
export type { ScalingDecision, ScalingReason } from './scaling/decide-scaling.ts';
export { replicasIn, scaleAgent } from './scaling/scale-agent.ts';
export type { Replicas, ScaledAgent, ScaleOptions } from './scaling/scale-agent.ts';
export type { AgentMetrics, AgentScore, PerformanceMetrics } from './scaling/metrics.ts';
export type {
  Action,
  InstanceLease,
  ReconcileInput,
  Reconciliation,
  StartAction,
  StopAction,
  Waiting,
} from './instances/reconcile.ts';
export { tellStory } from './history/tell-story.ts';
export type { Story, VariableStory } from './history/tell-story.ts';
export type { StoryPlace } from './history/read-material.ts';
export type {
  AdaptationPhase,
  AdaptationStory,
  RevisionStanding,
  RevisionStory,
  StoryOutcome,
  TriggerStory,
} from './history/explain.ts';
export type { Difference, KeyContent, Provenance } from './history/change-story.ts';
export type { Consequences, LifecycleEvent, LinkedEvent } from './history/consequences.ts';
export type { DirectiveStory, DirectiveTelling, InstanceAnswer } from './history/directive-story.ts';
export type { InstanceNow, InstanceStory, Reason } from './history/instance-story.ts';
export type { LeaderIdentity } from './term/fence.ts';
export { runOrchestrator } from './term/orchestrator.ts';
export type { OrchestratorOptions } from './term/orchestrator.ts';
export type { VariableSet } from './term/set-variable.ts';
export { estimateDrift } from './rollout/drift.ts';
export { weighBlocks } from './rollout/e-process.ts';
export type { Weighing, WeighingOptions } from './rollout/e-process.ts';
export type { ArmSummary, Evidence } from './rollout/evidence.ts';
export type { Guard } from './rollout/guard.ts';
export { arrivalLimitMs, judgeRollout } from './rollout/judge.ts';
export type { Arrival, RolloutObservations, RolloutVerdict } from './rollout/judge.ts';
export { blockPValue } from './rollout/rank-evidence.ts';
export type { Block } from './rollout/rank-evidence.ts';
export { beginRollout } from './rollout/rollout.ts';
export type {
  Proposal,
  ProposedChange,
  Rollout,
  RolloutChange,
  RolloutOutcome,
  RolloutPlan,
  RolloutWrite,
  StandingValue,
} from './rollout/rollout.ts';
export { evidenceSoFar } from './rollout/evidence-so-far.ts';
export type { ChangeAnswer } from './rollout/serve-adaptation.ts';
export type { StoredAdaptation } from './state/space-state.ts';
export type { Score } from './rollout/samples.ts';
export { coordinate } from './strategies/coordinate.ts';
export type { CoordinatedVariable } from './strategies/coordinate.ts';
export type {
  AgentStanding,
  Coordination,
  CoordinationContext,
  CoordinationDirective,
} from './strategies/coordination.ts';
export { adaptVariable } from './strategies/adapt-variable.ts';
export type { Adaptation, AdaptationSituation, Suggestion } from './strategies/adapt-variable.ts';
export type { LocalProposal } from './strategies/occasion.ts';
export { distributeVariable } from './strategies/distribute.ts';
export type { Distribution, ReplicaNode } from './strategies/distribute.ts';
export { adaptationCases, handlerSubject } from './strategies/conformance.ts';
export type { AdaptationCase, AdaptationSubject, CaseOptions } from './strategies/conformance.ts';
export type {
  AdaptationAnswer,
  CoordinationAnswer,
  HandlerQuestion,
  TravellingContext,
} from './handlers/handler-form.ts';
export { defineAdaptation, defineCoordination, serveHandler } from './handlers/serve-handler.ts';
export type { HandlerCall, HandlerFunction, NamedHandler } from './handlers/serve-handler.ts';
