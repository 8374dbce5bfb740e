/** A team as it really runs: node and orchestrator as processes of their own, and a space of agents that share a process. */
import { fileURLToPath } from 'node:url';
import { superviseProcess, type SupervisedProcess } from '@mabeam/cluster';
import { parseSpaceDefinition, type SpaceDefinition } from '@mabeam/orchestrator';
import type { Stage } from './benchmark.ts';

const agentModule = new URL('programs/agent.ts', import.meta.url);

/** The definition of a space in which so many agents share a process, wired as a ring. */
export function ringOf(space: string, size: number, variables: object = {}): SpaceDefinition {
  const ids = Array.from({ length: size }, (_, n) => `agent-${n}`);
  return spaceOf({
    space,
    agents: Object.fromEntries(ids.map((id) => [id, { module: agentModule.href, form: 'in-process' }])),
    variables: { ring: { kind: 'communication-topology', agents: ids, initial: 'ring' }, ...variables },
  });
}

/** A definition, checked. */
export function spaceOf(definition: unknown): SpaceDefinition {
  return parseSpaceDefinition(JSON.stringify(definition), { path: import.meta.filename });
}

/** A process of ours, `node` or `orchestrator`, ready; disposing ends it. */
export async function startRole(
  stage: Stage,
  role: string,
  flags: readonly string[],
): Promise<SupervisedProcess> {
  const ready = Promise.withResolvers<void>();
  const main = fileURLToPath(new URL(`../../cmd/${role}/src/main.ts`, import.meta.url));
  const supervised = superviseProcess({
    name: role,
    command: process.execPath,
    args: [...process.execArgv, main, '--server', stage.natsUrl, ...flags],
    env: () => ({ ...process.env, MABEAM_LOG_LEVEL: 'warn' }),
    restart: 'temporary',
    onMessage: () => ready.resolve(),
  });
  const ended = supervised.exited.then(({ reason }) => {
    throw new Error(`${role} ended before it was ready: ${reason}`);
  });
  await Promise.race([ready.promise, ended]);
  // What comes of waiting for the end does not matter any more.
  ended.catch(() => undefined);
  return supervised;
}
