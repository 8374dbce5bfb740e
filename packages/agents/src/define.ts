/** What an author writes: an agent's schemas and handlers, as inert data; `runAgent` or a crew brings it to life. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { AgentContext, CallContext, EdgeContext, TaskContext } from './context.ts';
import type { EdgeKind } from './edge.ts';
import { rememberSchemas } from './json-schema.ts';
import { checked } from './schema.ts';
import type {
  AgentApply,
  AgentCommittee,
  AgentDecided,
  AgentGossip,
  AgentSigner,
  AgentVote,
} from './signed-voice.ts';
import type { AgentParty } from './voice.ts';

/** Takes what comes along an edge. What it returns is the answer on `command` edges, and nothing on the others. */
export type EdgeHandler = (body: unknown, context: EdgeContext) => unknown;

/** The handlers of an agent's edges; a kind without one is not listened to. */
export type EdgeHandlers = { readonly [K in EdgeKind]?: EdgeHandler };

/** What an author says of an agent: its schemas and its handlers. */
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
  /** Takes what others `send` along edges; see {@link edgeHandler} for one with schemas. */
  readonly edges?: EdgeHandlers;
  /** What it wants, bids and takes, when it is asked as a party of a negotiation. */
  readonly party?: AgentParty;
  /** Its vote on what is put to the vote: a change (`adaptation.strategy: consensus-based`), or anything else. */
  readonly vote?: AgentVote;
  /** Is told what was decided in votes. */
  readonly decided?: AgentDecided;
  /** What it accepts in a committee that decides although some of its members lie (pbft). */
  readonly committee?: AgentCommittee;
  /** Does what a group that keeps a log (raft) has committed; with it the agent sits in whatever group it is asked to. */
  readonly apply?: AgentApply;
  /** What it adds to what is gossiped about. */
  readonly gossip?: AgentGossip;
  /** What it signs to be the next block, by the ids of the ledgers of which it is one of those who sign. */
  readonly ledgers?: Readonly<Record<string, AgentSigner>>;
  /** Questions answered and tasks worked on at once. Default 16 tasks; questions are bounded by the bus. */
  readonly concurrency?: number;
}

/** An agent as data, to be run. */
export interface AgentDefinition<I = unknown, O = unknown> extends AgentOptions<I, O> {
  readonly kind: 'agent';
}

/** A definition whatever its types: what runs agents gives each handler only what its own schema has let pass. */
export interface AgentForm extends Pick<
  AgentOptions<unknown, unknown>,
  | 'start'
  | 'edges'
  | 'party'
  | 'vote'
  | 'decided'
  | 'committee'
  | 'apply'
  | 'gossip'
  | 'ledgers'
  | 'concurrency'
> {
  readonly kind: 'agent';
  readonly input?: StandardSchemaV1;
  readonly output?: StandardSchemaV1;
  /** Answers a question. */
  readonly ask?: (input: never, context: CallContext) => unknown;
  /** Works on a task of its group. */
  readonly task?: (input: never, context: TaskContext) => unknown;
}

/** An agent as data. At least one of its handlers should be there, else it only beats. */
export function defineAgent<I = unknown, O = unknown>(options: AgentOptions<I, O>): AgentDefinition<I, O> {
  return { kind: 'agent', ...options };
}

/** A handler of an edge, and the schemas it stands between. */
export interface EdgeHandlerOptions<I, O> {
  /** Schema of what comes in; without one any value passes. */
  readonly input?: StandardSchemaV1<unknown, I>;
  /** Schema of what a `command` edge answers. */
  readonly output?: StandardSchemaV1<unknown, O>;
  /** Takes what the schema let pass. */
  readonly run: (input: I, context: EdgeContext) => O | Promise<O>;
}

/** A handler of an edge between schemas. What does not fit is `invalid-input` or `invalid-output`, naming each field. */
export function edgeHandler<I = unknown, O = unknown>(options: EdgeHandlerOptions<I, O>): EdgeHandler {
  const { input, output, run } = options;
  const handler: EdgeHandler = async (body, context) => {
    // Without a schema I is what its author says it is; nothing here can know better.
    const value = input === undefined ? (body as I) : await checked(input, body, 'input', context.agent);
    const answer = await run(value, context);
    return output === undefined ? answer : checked(output, answer, 'output', context.agent);
  };
  return rememberSchemas(handler, { input, output });
}
