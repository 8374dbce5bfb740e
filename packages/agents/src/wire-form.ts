/**
 * In which form each agent of the space is asked, as its definition says: looked up in the process's copy of the bucket and
 * kept until the definition changes.
 */
import { MabeamError, parseJson, type BucketEntry } from '@mabeam/bus';
import type { VariableStore } from '@mabeam/variables';
import { parseAgentSpec } from './agent-spec.ts';

export type WireForm = 'envelope' | 'plain';

export class WireForms {
  readonly #store: Pick<VariableStore, 'replica'>;
  readonly #known = new Map<string, { readonly revision: number; readonly form: WireForm }>();

  constructor(store: Pick<VariableStore, 'replica'>) {
    this.#store = store;
  }

  /** The form for an agent; `envelope` when the space does not define it. */
  of(agent: string): WireForm {
    const entry = this.#store.replica.get(`definition.agent.${agent}`);
    const known = this.#known.get(agent);
    if (known !== undefined && known.revision === entry?.revision) return known.form;
    if (entry === undefined) return 'envelope';
    const form = formIn(entry);
    this.#known.set(agent, { revision: entry.revision, form });
    return form;
  }
}

/** A definition nobody can read says nothing about the form; whoever hosts the agent refuses it anyway. */
function formIn(entry: BucketEntry): WireForm {
  try {
    const { wire, run } = parseAgentSpec(parseJson(entry.data));
    const isForeign = run !== undefined && 'command' in run;
    return (wire ?? (isForeign ? 'json' : 'envelope')) === 'json' ? 'plain' : 'envelope';
  } catch (error) {
    if (error instanceof MabeamError) return 'envelope';
    throw error;
  }
}
