/**
 * The agents of the space as they are defined, looked up in the process's copy of the bucket and kept until a definition
 * changes: their role, their group, their configuration, and in which form they are asked.
 */
import { MabeamError, parseJson, type BucketEntry } from '@mabeam/bus';
import type { VariableStore } from '@mabeam/variables';
import { parseAgentSpec, type AgentSpec } from './agent-spec.ts';

const definitionPrefix = 'definition.agent.';

/** The form in which an agent is asked. */
export type WireForm = 'envelope' | 'plain';

/** A definition at one revision. */
export interface KnownAgent {
  readonly revision: number;
  /** Undefined when nobody can read it: then it says nothing, and whoever hosts the agent refuses it. */
  readonly spec: AgentSpec | undefined;
}

/** The definitions of a space’s agents, as this process knows them. */
export class AgentSpecs {
  readonly #store: Pick<VariableStore, 'replica'>;
  readonly #known = new Map<string, KnownAgent>();

  constructor(store: Pick<VariableStore, 'replica'>) {
    this.#store = store;
  }

  /** An agent's definition; undefined when the space does not define it. */
  of(agent: string): KnownAgent | undefined {
    const entry = this.#store.replica.get(`${definitionPrefix}${agent}`);
    if (entry === undefined) return undefined;
    const known = this.#known.get(agent);
    if (known !== undefined && known.revision === entry.revision) return known;
    const read = { revision: entry.revision, spec: specIn(entry) };
    this.#known.set(agent, read);
    return read;
  }

  /** All definitions that can be read, by id. */
  all(): readonly AgentSpec[] {
    return this.#store.replica
      .entries()
      .flatMap(({ key }) =>
        key.startsWith(definitionPrefix) ? (this.of(key.slice(definitionPrefix.length))?.spec ?? []) : [],
      );
  }

  /** The form in which an agent is asked; `envelope` when the space does not define it. */
  formOf(agent: string): WireForm {
    const spec = this.of(agent)?.spec;
    return spec === undefined ? 'envelope' : wireForm(spec);
  }
}

/** The form in which an agent of this definition is asked: plain for a command, unless it says otherwise. */
export function wireForm({ run, wire }: AgentSpec): WireForm {
  const isForeign = run !== undefined && 'command' in run;
  return (wire ?? (isForeign ? 'json' : 'envelope')) === 'json' ? 'plain' : 'envelope';
}

function specIn(entry: BucketEntry): AgentSpec | undefined {
  try {
    return parseAgentSpec(parseJson(entry.data));
  } catch (error) {
    if (error instanceof MabeamError) return undefined;
    throw error;
  }
}
