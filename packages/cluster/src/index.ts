/** @mabeam/cluster: where agents run. The public names. */
export { clusterErrors } from './errors.ts';
export { exitWithParent } from './exit-with-parent.ts';
export type { ParentLink } from './exit-with-parent.ts';
export { playRole } from './role.ts';
export type { Role, RoleLife } from './role.ts';
export type { CrewLine } from './crew-host/pool.ts';
export { hostCrew, HostedCrew } from './host-crew.ts';
export type { HostCrewOptions, HostedMember } from './host-crew.ts';
export { hostInstance } from './host.ts';
export type { HostResult } from './host.ts';
export { HostedInstance } from './hosted-instance.ts';
export type { HostOptions, InstanceEnd } from './hosted-instance.ts';
export { runNode } from './node.ts';
export type { AgentLine, NodeEnd, NodeOptions } from './node.ts';
export { nodeCommandSubject, orderStart, orderStop } from './node-command.ts';
export type { NodeReply, NodeRequestOptions, StartCommand, StopCommand } from './node-command.ts';
export { nodeIdFrom } from './node-id.ts';
export { demandOf, placeAgent, placementScore } from './placement.ts';
export type { Placement, PlacementFacts, PlacementSituation, ResourceAmounts } from './placement.ts';
export { defaultDrainMs, superviseProcess, SupervisedProcess } from './process.ts';
export type { FinalProcessState, ProcessOptions, ProcessState } from './process.ts';
export {
  hostLeaseKey,
  instanceLeaseKey,
  instanceStatus,
  leaseTtlMs,
  liveHolders,
  observedKey,
  parseInstanceHolder,
  parseInstanceKey,
  parseNodeRecord,
  parseObservedInstance,
} from './registry.ts';
export type {
  InstanceHolder,
  InstanceId,
  InstanceStatus,
  LeaseEntry,
  NodeRecord,
  ObservedInstance,
} from './registry.ts';
export { openRuntimeBundle, RuntimeBundle } from './runtime-bundle/runtime-bundle.ts';
export type { RuntimeBundleOptions } from './runtime-bundle/runtime-bundle.ts';
export { decideRestart, defaultRestartPolicy, describeExit } from './supervision.ts';
export type { Ending, Exit, RestartDecision, RestartPolicy, RestartType } from './supervision.ts';
