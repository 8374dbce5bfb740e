/** @mabeam/agents: what an agent is, and the process that is one. The public names. */
export { agentSpecErrors, parseAgentSpec } from './agent-spec.ts';
export type { AgentSpec, AgentSpecInput } from './agent-spec.ts';
export { agentErrors } from './errors.ts';
export { defineAgent } from './define.ts';
export type { AgentDefinition, AgentOptions } from './define.ts';
export type { AgentContext, CallContext, TaskContext, Ways } from './context.ts';
export { runAgent } from './run-agent.ts';
export { heartbeatEveryMs, parseHeartbeat } from './heartbeat.ts';
export type { Heartbeat } from './heartbeat.ts';
export { parseHosting } from './hosting.ts';
export type { Hosting } from './hosting.ts';
export { admit, peersOf } from './wiring.ts';
