/**
 * What `mabeam run` hosts: which agent is meant, how it is started, and its place in the space's definitions. An agent that the
 * space does not know yet is defined without `run`, so that no orchestrator starts it as well.
 */
import { existsSync, statSync } from 'node:fs';
import { basename, extname, isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseAgentSpec, type AgentSpec } from '@mabeam/agents';
import { isId, parseJson, putKey, readKey, spaceNames } from '@mabeam/bus';
import { commandError } from './errors.ts';
import type { Place } from './session.ts';

/** How an agent is started. */
export type Start = NonNullable<AgentSpec['run']>;

/** What the flags say about the agent. */
export interface Wish {
  readonly id: string;
  readonly run: Start;
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  readonly group?: string | undefined;
}

/** A definition, complete for hosting, and the revision of its key. */
export interface Registered {
  readonly spec: AgentSpec;
  readonly definitionRevision: number;
}

/** A module as a node would name it: an existing file by its URL, anything else as a package. Throws `input-unreadable`. */
export function locateModule(module: string, folder: string = process.cwd()): Start {
  if (module.startsWith('file:')) return { module };
  const path = resolve(folder, module);
  if (existsSync(path) && statSync(path).isFile()) return { module: pathToFileURL(path).href };
  const isPath = module.startsWith('.') || isAbsolute(module) || /\.[cm]?[jt]s$/.test(module);
  if (!isPath) return { module };
  throw commandError('input-unreadable', `there is no file ${path}; correct the path of the module`, {
    details: { file: path },
  });
}

/** The agent's id: the one that is given, else the name of the file or command. Throws `invalid-usage`, `invalid-id`. */
export function chooseAgent(as: string | undefined, words: readonly string[]): string {
  if (as !== undefined) return as;
  const file = words[0] ?? '';
  const name = basename(file, extname(file)).toLowerCase();
  if (isId(name)) return name;
  throw commandError(
    'invalid-usage',
    `"${name}" is not the id of an agent; say which it is with --as <agent>`,
  );
}

/** The agent's definition with the start and the configuration that are wished; it is stored when the space has none. */
export async function registerAgent({ bus, space }: Place, wish: Wish): Promise<Registered> {
  const { bucket } = spaceNames(space);
  const key = `definition.agent.${wish.id}`;
  const entry = await readKey(bus, bucket, key);
  const present = entry?.operation === 'put' ? parseAgentSpec(parseJson(entry.data)) : undefined;
  const { group, config } = wish;
  if (present !== undefined && group !== undefined && group !== present.group) {
    const message = `agent ${wish.id} is defined in group ${present.group ?? '(none)'}; leave --group out or change the definition`;
    throw commandError('invalid-usage', message, { details: { agent: wish.id, group: present.group } });
  }
  const fields = {
    id: wish.id,
    ...(group === undefined ? {} : { group }),
    // Without `run` nobody could tell how it wants to be asked; JSON is what every program reads.
    ...('command' in wish.run ? { wire: 'json' } : {}),
    ...(config === undefined ? {} : { config }),
  };
  const stored = present ?? parseAgentSpec(fields);
  const definitionRevision =
    present === undefined
      ? await putKey(bus, bucket, key, stored, { expectLastSequence: entry?.revision ?? 0 })
      : (entry?.revision ?? 0);
  // A person watches: what ends well has ended, what crashes is started again.
  const hosted = {
    ...stored,
    ...(config === undefined ? {} : { config }),
    run: wish.run,
    restart: 'transient',
  };
  return { spec: parseAgentSpec(hosted), definitionRevision };
}
