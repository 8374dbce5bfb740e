/** @mabeam/orchestrator: the control loop of a space. The public names. */
export { orchestratorErrors } from './errors.ts';
export { nearestWord } from './nearest-word.ts';
export { parseSpaceDefinition } from './parse-space-definition.ts';
export type { ParseOptions } from './parse-space-definition.ts';
export { assertSpaceDefinition } from './space-definition.ts';
export type { SpaceDefinition } from './space-definition.ts';
export type { DefinitionProblem } from './definition-document.ts';
export { createSpace } from './create-space.ts';
export type { CreateSpaceOptions, SpaceCreated } from './create-space.ts';
export { defaultCooldownMs, parseRule } from './adaptation-rule.ts';
export type { AdaptationRule, Modification } from './adaptation-rule.ts';
export { adaptationKey, parseAdaptationRecord } from './adaptation-record.ts';
export type {
  AdaptationApplied,
  AdaptationChange,
  AdaptationOutcome,
  AdaptationRecord,
} from './adaptation-record.ts';
export { identityHash, readTrigger } from './trigger.ts';
export type { MalformedTrigger, Trigger, TriggerIdentity, TriggerMessage } from './trigger.ts';
export { decideAdaptation } from './rules.ts';
export type { Decision, RuleSituation } from './rules.ts';
export { activeAgents, desiredGraph, desiredInstances, selectionsOf } from './desired.ts';
export type { DefinedAgent, DesiredInstance } from './desired.ts';
export { foresee } from './foresight.ts';
export type { Foresight, Rewiring, SpaceAtWork } from './foresight.ts';
export { awaitApplied } from './await-applied.ts';
export type { AwaitOptions, Standing } from './await-applied.ts';
export type { Laggard } from './settlement.ts';
export { openSpaceMirror, SpaceMirror } from './space-mirror.ts';
export { deleteVariable, deletionSite, planDeletion } from './delete-variable.ts';
export type { DeleteOptions, DeletionSite } from './delete-variable.ts';
export { reconcile } from './reconcile.ts';
export type {
  Action,
  InstanceLease,
  ReconcileInput,
  Reconciliation,
  StartAction,
  StopAction,
  Waiting,
} from './reconcile.ts';
export { Leadership, seekLeadership } from './fence.ts';
export type { CommitOptions, CommitOutcome, LeaderIdentity, LeadershipOptions } from './fence.ts';
export { runOrchestrator } from './orchestrator.ts';
export type { OrchestratorOptions } from './orchestrator.ts';
export type { VariableSet } from './set-variable.ts';
