/** @mabeam/orchestrator: the control loop of a space. The public names. */
export { orchestratorErrors } from './errors.ts';
export { nearestWord } from './definition/nearest-word.ts';
export { parseSpaceDefinition } from './definition/parse-space-definition.ts';
export type { ParseOptions } from './definition/parse-space-definition.ts';
export { assertSpaceDefinition } from './definition/space-definition.ts';
export type { SpaceDefinition } from './definition/space-definition.ts';
export type { DefinitionProblem } from './definition/definition-document.ts';
export { createSpace } from './definition/create-space.ts';
export type { CreateSpaceOptions, SpaceCreated } from './definition/create-space.ts';
export { defaultCooldownMs, parseRule } from './adaptation/adaptation-rule.ts';
export type { AdaptationRule, Modification } from './adaptation/adaptation-rule.ts';
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
export { runOrchestrator } from './term/orchestrator.ts';
export type { OrchestratorOptions } from './term/orchestrator.ts';
export type { VariableSet } from './term/set-variable.ts';
