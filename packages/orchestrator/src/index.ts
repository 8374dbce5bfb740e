/** @mabeam/orchestrator: the control loop of a space. The public names. */
export { orchestratorErrors } from './errors.ts';
export { nearestWord } from './definition/nearest-word.ts';
export { parseSpaceDefinition } from './definition/parse-space-definition.ts';
export type { ParseOptions } from './definition/parse-space-definition.ts';
export { parseVariableDefinitions } from './definition/parse-variables.ts';
export { spaceSchema } from './definition/definition-form.ts';
export { assertSpaceDefinition } from './definition/space-definition.ts';
export type { SpaceDefinition } from './definition/space-definition.ts';
export type { DefinitionProblem } from './definition/definition-document.ts';
export { parseScalingPolicy, scalingKey } from './definition/scaling-policy.ts';
export type { ScalingPolicy, ScalingTarget } from './definition/scaling-policy.ts';
export { parseSpaceRecord, spaceKey } from './definition/space-record.ts';
export type { DeclaredEdge, SpacePool, SpaceRecord } from './definition/space-record.ts';
export { parseScaleEntry, scaleKey, wantedReplicas } from './state/scale-entry.ts';
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
export { defaultCooldownMs, parseRule } from './adaptation/adaptation-rule.ts';
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
  AdaptationOutcome,
  AdaptationRecord,
} from './adaptation/adaptation-record.ts';
export { identityHash, readTrigger } from './adaptation/trigger.ts';
export type { MalformedTrigger, Trigger, TriggerIdentity, TriggerMessage } from './adaptation/trigger.ts';
export { decideAdaptation } from './adaptation/rules.ts';
export type { Decision, RuleSituation } from './adaptation/rules.ts';
export { activeAgents, desiredGraph, desiredInstances, selectionsOf } from './instances/desired.ts';
export type { DefinedAgent, DesiredInstance } from './instances/desired.ts';
export { foresee } from './state/foresight.ts';
export type { Foresight, Rewiring, SpaceAtWork } from './state/foresight.ts';
export { awaitApplied } from './state/await-applied.ts';
export type { AwaitOptions, Standing } from './state/await-applied.ts';
export type { Laggard } from './adaptation/settlement.ts';
export { openSpaceMirror, SpaceMirror } from './state/space-mirror.ts';
export { deleteVariable, deletionSite, planDeletion } from './state/delete-variable.ts';
export type { DeleteOptions, DeletionSite } from './state/delete-variable.ts';
export { reconcile } from './instances/reconcile.ts';
export type {
  Action,
  InstanceLease,
  ReconcileInput,
  Reconciliation,
  StartAction,
  StopAction,
  Waiting,
} from './instances/reconcile.ts';
export { Leadership, seekLeadership } from './term/fence.ts';
export type { CommitOptions, CommitOutcome, LeaderIdentity, LeadershipOptions } from './term/fence.ts';
export { tellStory } from './history/tell-story.ts';
export type { Story, VariableStory } from './history/tell-story.ts';
export type { StoryPlace } from './history/read-material.ts';
export { explainRevision } from './history/explain.ts';
export type {
  AdaptationPhase,
  AdaptationStory,
  RevisionStanding,
  RevisionStory,
  StoryMaterial,
  StoryOutcome,
  TriggerStory,
} from './history/explain.ts';
export type { Difference, KeyContent, Provenance } from './history/change-story.ts';
export type { Consequences, LifecycleEvent, LinkedEvent } from './history/consequences.ts';
export { explainInstance } from './history/instance-story.ts';
export type { InstanceMaterial, InstanceNow, InstanceStory, Reason } from './history/instance-story.ts';
export { runOrchestrator } from './term/orchestrator.ts';
export type { OrchestratorOptions } from './term/orchestrator.ts';
export type { VariableSet } from './term/set-variable.ts';
export { boundAdaptation, restsUntil, shortenStep } from './rollout/bounds.ts';
export type { BoundedProposal, BoundsVerdict, EarlierChange } from './rollout/bounds.ts';
export { estimateDrift } from './rollout/drift.ts';
export { weighBlocks } from './rollout/e-process.ts';
export type { Weighing, WeighingOptions } from './rollout/e-process.ts';
export type { ArmSummary, Evidence } from './rollout/evidence.ts';
export type { Guard } from './rollout/guard.ts';
export { arrivalLimitMs, judgeRollout, settleRollout } from './rollout/judge.ts';
export type { Arrival, RolloutObservations, RolloutVerdict } from './rollout/judge.ts';
export { blockPValue } from './rollout/rank-evidence.ts';
export type { Block } from './rollout/rank-evidence.ts';
export { beginRollout, isCanaryKind } from './rollout/rollout.ts';
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
export { guardSchema } from './rollout/guard.ts';
export { rolloutSchema } from './rollout/rollout-schema.ts';
export { scoresNeededFrom } from './rollout/samples.ts';
export type { Score } from './rollout/samples.ts';
