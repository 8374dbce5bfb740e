/** @mabeam/variables: what a variable is, where its revisions live, how to write and watch them. The public names. */
export { variableErrors } from './errors.ts';
export type { VariableErrorCode } from './errors.ts';
export type { Problem } from './problem.ts';
export { isJson, sameJson } from './json.ts';
export type { Json } from './json.ts';
export type { Domain } from './domain.ts';
export { variableKinds } from './variable.ts';
export type { Constraints, VariableDefinition, VariableKind } from './variable.ts';
export { parseVariableDefinition } from './definition.ts';
export type { ParseDefinitionOptions } from './definition.ts';
export {
  agentSelection,
  communicationTopology,
  customVariable,
  performanceThreshold,
} from './constructors.ts';
export type {
  AgentSelectionOptions,
  CommunicationTopologyOptions,
  CustomVariableOptions,
  PerformanceThresholdOptions,
} from './constructors.ts';
export { localDefinitions } from './local.ts';
export type { LocalDefinitions } from './local.ts';
export { validateValue } from './value.ts';
export type { ValueVerdict } from './value.ts';
export { edgesOf, graphOf, isEdge, parseGraph, readGraph, spaceNode, topologyPatterns } from './topology.ts';
export type { CoordinationGraph, Edge, TopologyPattern, TopologyValue } from './topology.ts';
export { decodeEntry, encodeEntry, triggerCause } from './entry.ts';
export type { Candidate, ReadEntry, ValueEntry } from './entry.ts';
export { definitionKey, fenceKey, graphKey, parseKey, splitVariableId, valueKey } from './keys.ts';
export type { ParsedKey } from './keys.ts';
export { emptyView, valuesFor } from './view.ts';
export type { GraphState, Rejection, SpaceView, VariableState } from './view.ts';
export { foldChanges } from './fold.ts';
export type { ChangeSet, KeyChange } from './fold.ts';
export { changeBetween } from './difference.ts';
export type { SpaceChange, VariableChange } from './difference.ts';
export { planChanges } from './change-set.ts';
export type { Authorship, ChangePlan, PlannedChange, WishedValue } from './change-set.ts';
export type { HistoryRecord } from './history.ts';
export { openVariables, VariableStore } from './store.ts';
export type { OpenVariablesOptions } from './store.ts';
export type { ApplyOptions, UpdateOptions, WriteOptions, WriteOutcome } from './write.ts';
export type { WaitOptions, WatchOptions } from './watch.ts';
