/** @mabeam/variables: what a variable is, where its revisions live, how to write and watch them. The public names. */
export { variableErrors } from './errors.ts';
export type { VariableErrorCode } from './errors.ts';
export type { Problem } from './problem.ts';
export { isJson, sameJson } from './json.ts';
export type { Json } from './json.ts';
export type { Domain } from './domain.ts';
export { failureAnswers, variableKinds, variableScopes } from './variable.ts';
export type {
  Constraints,
  FailureAnswer,
  ResourceLimit,
  VariableDefinition,
  VariableKind,
  VariableScope,
} from './variable.ts';
export type { ResourceAllocation } from './allocation.ts';
export type { AdaptationPace, ThresholdBand } from './measure.ts';
export { defineConstraint, predicatesOf } from './predicate.ts';
export type { ConstraintHandler, Predicate, Predicates } from './predicate.ts';
export { adaptationStrategies } from './adaptation-policy.ts';
export type { AdaptationPolicy, AdaptationStrategy } from './adaptation-policy.ts';
export type { DistributionPolicy } from './distribution-policy.ts';
export { bytesSchema, networkPriorities, parseBytes, resourceDemandSchema } from './resources.ts';
export type { NetworkPriority, ResourceDemand } from './resources.ts';
export { idText, isVariableId, variableIdText } from './id-text.ts';
export { parseVariableDefinition, variableDefinitionSchema } from './definition.ts';
export type { ParseDefinitionOptions } from './definition.ts';
export {
  adaptationRate,
  agentSelection,
  communicationTopology,
  coordinationPattern,
  customVariable,
  performanceThreshold,
  resourceAllocation,
} from './constructors.ts';
export type {
  AdaptationRateOptions,
  AgentSelectionOptions,
  CommunicationTopologyOptions,
  CustomVariableOptions,
  PerformanceThresholdOptions,
  ResourceAllocationOptions,
} from './constructors.ts';
export { localDefinitions } from './local.ts';
export type { LocalDefinitions } from './local.ts';
export { validateValue } from './value.ts';
export type { ValueVerdict } from './value.ts';
export {
  countEdges,
  edgesIn,
  graphOf,
  isDeclared,
  isEdge,
  parseGraph,
  peersIn,
  readGraph,
} from './coordination-graph.ts';
export type { CoordinationGraph, KindEdge } from './coordination-graph.ts';
export { edgesOf, spaceNode, topologyPatterns } from './topology.ts';
export type { Edge, TopologyPattern, TopologyValue } from './topology.ts';
export { decodeEntry, encodeEntry, triggerCause } from './entry.ts';
export type { Candidate, ReadEntry, ValueEntry } from './entry.ts';
export { pickArm } from './canary.ts';
export type { Arm } from './canary.ts';
export { definitionKey, fenceKey, freezeKey, graphKey, parseKey, splitVariableId, valueKey } from './keys.ts';
export type { ParsedKey } from './keys.ts';
export { emptyView, roleOf, valueFor, valuesFor, visibleTo } from './view.ts';
export type { Cells, GraphState, Rejection, SpaceView, VariableState, VisibleVariable } from './view.ts';
export { foldChanges } from './fold.ts';
export type { ChangeSet, KeyChange } from './fold.ts';
export { changeBetween, idsBetween } from './difference.ts';
export type { SpaceChange, VariableChange } from './difference.ts';
export { infeasibility } from './feasible.ts';
export { brokenByChange } from './judgement.ts';
export { bondProblem, brokenBonds } from './bond.ts';
export type { BrokenBond, Prospect } from './bond.ts';
export type { FreezeEntry, FreezeState } from './freeze.ts';
export type { FreezeOptions } from './freezing.ts';
export { planChanges, viewAfter } from './change-set.ts';
export type { Authorship, ChangePlan, PlannedChange, WishedCandidate, WishedValue } from './change-set.ts';
export type { HistoryRecord } from './history.ts';
export { readHistory } from './history-stream.ts';
export type { RecordedHistory } from './history-stream.ts';
export { historyMarks, historyMessage, readHistoryEvent, readHistoryPosition } from './history-event.ts';
export type {
  BucketReplaced,
  HistoryEvent,
  HistoryMessage,
  HistoryPosition,
  RecordedGap,
  RecordedRevision,
} from './history-event.ts';
export { openVariables, VariableStore } from './store.ts';
export type { OpenVariablesOptions } from './store.ts';
export type { WriteOptions, WriteOutcome } from './desk.ts';
export type { ApplyOptions, UpdateOptions } from './write.ts';
export type { WaitOptions, WatchOptions } from './watch.ts';
export { answerSettled, settled } from './settled.ts';
export type { AnswerSettledOptions, SettledLaggard, SettledOptions, Settlement } from './settled.ts';
export type { SettledInstance, SettledProcess } from './electorate.ts';
export { defaultSecrets, environmentSecrets, folderSecrets, resolveSecrets } from './secret.ts';
export type { SecretProvider } from './secret.ts';
