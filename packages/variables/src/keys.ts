/**
 * Keys: where variables live in the bucket of their space (rulings R1, R13).
 *
 *   threshold          value  space.threshold          definition  definition.threshold
 *   words.smoothing    value  agent.words.smoothing    declared in definition.agent.words
 */
import { isId, parseId } from '@mabeam/bus';

/** The key under which the leader keeps the graph. */
export const graphKey = 'graph';

/** The key that stops all automation while it is there (R25). */
export const freezeKey = 'freeze';

/** The key whose record carries a change set's expectation of the whole space (R3, R9). */
export const fenceKey = 'fence';

/** What a key of the bucket holds, as far as variables are concerned. */
export type ParsedKey =
  | { readonly kind: 'value' | 'definition'; readonly id: string }
  | { readonly kind: 'agent-definition'; readonly agent: string }
  | { readonly kind: 'graph' | 'freeze' | 'other' };

/** The key of a variable's value; throws `invalid-id` when the text is neither `name` nor `agent.name`. */
export function valueKey(id: string): string {
  const { agent, name } = splitVariableId(id);
  return agent === undefined ? `space.${name}` : `agent.${agent}.${name}`;
}

/** The key under which a variable is declared: its own, or its agent's; throws `invalid-id`. */
export function definitionKey(id: string): string {
  const { agent, name } = splitVariableId(id);
  return agent === undefined ? `definition.${name}` : `definition.agent.${agent}`;
}

/** The agent of a local variable (undefined for a global one) and its bare name; throws `invalid-id`. */
export function splitVariableId(id: string): { readonly agent: string | undefined; readonly name: string } {
  const dot = id.indexOf('.');
  if (dot < 0) return { agent: undefined, name: parseId('variable', id) };
  return { agent: parseId('agent', id.slice(0, dot)), name: parseId('local variable', id.slice(dot + 1)) };
}

/** What a key holds; keys of other capabilities, and malformed ones, are `other`. */
export function parseKey(key: string): ParsedKey {
  if (key === graphKey) return { kind: 'graph' };
  if (key === freezeKey) return { kind: 'freeze' };
  const [head = '', ...rest] = key.split('.');
  if (!rest.every(isId)) return { kind: 'other' };
  const [first = '', second = ''] = rest;
  if (head === 'space' && rest.length === 1) return { kind: 'value', id: first };
  if (head === 'agent' && rest.length === 2) return { kind: 'value', id: `${first}.${second}` };
  if (head === 'definition' && rest.length === 1) return { kind: 'definition', id: first };
  return head === 'definition' && rest.length === 2 && first === 'agent'
    ? { kind: 'agent-definition', agent: second }
    : { kind: 'other' };
}
