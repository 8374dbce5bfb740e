/** What an author writes: an agent's schemas and handlers, as inert data; `runAgent` brings it to life. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { AgentContext, CallContext, TaskContext } from './context.ts';

export interface AgentOptions<I, O> {
  /** Schema of what `ask` and `task` are given; without one any value passes. */
  readonly input?: StandardSchemaV1<unknown, I>;
  /** Schema of what they answer. */
  readonly output?: StandardSchemaV1<unknown, O>;
  /** Runs before the agent is ready: load what it knows, fold what was kept. */
  readonly start?: (context: AgentContext) => void | Promise<void>;
  /** Answers a question: at most once, low latency. */
  readonly ask?: (input: I, context: CallContext) => O | Promise<O>;
  /** Works on a durable task of the agent's group: at least once, one accepted outcome. */
  readonly task?: (input: I, context: TaskContext) => O | Promise<O>;
  /** Questions answered and tasks worked on at once. Default 16 tasks; questions are bounded by the bus. */
  readonly concurrency?: number;
}

export interface AgentDefinition<I = unknown, O = unknown> extends AgentOptions<I, O> {
  readonly kind: 'agent';
}

/** An agent as data. At least one of `ask`, `task` and `start` should be there, else it only beats. */
export function defineAgent<I = unknown, O = unknown>(options: AgentOptions<I, O>): AgentDefinition<I, O> {
  return { kind: 'agent', ...options };
}
