/**
 * Recruiting: a host that has agents in its own process takes the definition out of a module instead of running the module as
 * a process. One module serves every form:
 *
 *  - It ends with `await runAgent(definition)`: while it is recruited, that call hands the definition over and returns.
 *  - Or it exports the definition, as its default or as `agent`.
 *
 * What a module keeps outside its definition is shared by all agents made of it, since it is loaded once. An export may
 * therefore be a function that makes a definition: it is called for each instance.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';
import { isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AgentForm } from './define.ts';
import { agentError } from './errors.ts';

/** Makes the definition of one instance. */
export type AgentMaker = () => AgentForm;

interface Enlistment {
  definition: AgentForm | undefined;
}

const slot = Symbol.for('mabeam.agents.recruiting');
// The cast names the one global this package owns: a module may come with a copy of this package of its own, and its `runAgent`
// must see that it is recruited. The key is a symbol, so nobody else writes there.
const holder = globalThis as typeof globalThis & { [slot]?: AsyncLocalStorage<Enlistment> };

/** Hands a definition to whoever recruits the module that is being loaded; false when nobody does. */
export function enlist(definition: AgentForm): boolean {
  const enlistment = holder[slot]?.getStore();
  if (enlistment === undefined) return false;
  enlistment.definition = definition;
  return true;
}

/**
 * Loads a module – file URL, absolute path or package, found from the working folder – and takes its agent. Throws
 * `not-an-agent` when there is none in it, and what the module throws while it is loaded.
 */
export async function recruitAgent(module: string): Promise<AgentMaker> {
  const recruiting = (holder[slot] ??= new AsyncLocalStorage<Enlistment>());
  const enlistment: Enlistment = { definition: undefined };
  const exported: unknown = await recruiting.run(enlistment, () => import(specifierOf(module)));
  const { definition } = enlistment;
  if (definition !== undefined) return () => definition;
  const maker = makerIn(exported);
  if (maker !== undefined) return maker;
  const cure = 'end it with `await runAgent(definition)`, or export the definition as default or as `agent`';
  throw agentError('not-an-agent', `${module} has no agent in it; ${cure}`, { details: { module } });
}

/** The agent that a module exports. */
export function makerIn(exported: unknown): AgentMaker | undefined {
  if (typeof exported !== 'object' || exported === null) return undefined;
  const candidates = [
    'default' in exported ? exported.default : undefined,
    'agent' in exported ? exported.agent : undefined,
  ];
  for (const candidate of candidates) {
    if (isAgent(candidate)) return () => candidate;
    if (typeof candidate === 'function') return () => made(candidate());
  }
  return undefined;
}

function made(value: unknown): AgentForm {
  if (isAgent(value)) return value;
  throw agentError('not-an-agent', 'the function that a module exports as its agent has made none');
}

/** Made by `defineAgent`, perhaps of another copy of this package: the handlers are taken as its types say. */
function isAgent(value: unknown): value is AgentForm {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'agent';
}

function specifierOf(module: string): string {
  if (module.startsWith('file:')) return module;
  if (isAbsolute(module)) return pathToFileURL(module).href;
  const fromHere = createRequire(join(process.cwd(), 'agent.js'));
  try {
    return pathToFileURL(fromHere.resolve(module)).href;
  } catch {
    // Not for `require`: then it is looked for where this package is.
    return module;
  }
}
