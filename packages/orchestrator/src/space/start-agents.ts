/**
 * Starting and stopping agents from a program: the roster is written, the leader starts in the order of dependencies and within the pool,
 * and here it is waited until everybody is up or it is known who cannot be.
 *
 * B1 All failures are told, none stops the search for the others.
 * B2 Either everybody is up, or what was started here has been stopped again; with `degrade` what is up stays, and the leader goes on
 *    trying the others. Nothing is left running that the roster does not say.
 * B3 Whoever runs already is left alone: starting twice is nothing.
 */
import { agentErrors } from '@mabeam/agents';
import { errorsOf, MabeamError } from '@mabeam/bus';
import { observedKey } from '@mabeam/cluster';
import type { VariableState } from '@mabeam/variables';
import { orchestratorError } from '../errors.ts';
import { selectionsOf } from '../instances/desired.ts';
import { situationOf } from '../state/space-mirror.ts';
import type { SpacePlace } from './add-part.ts';
import { rosterId, rosterIn } from './roster.ts';
import { judgeStarts, type StartFailure } from './start-verdict.ts';
import { spaceStanding } from './standing.ts';

const agentError = errorsOf(agentErrors);

/** Whom to start or stop, in whose name, and how long that may take. */
export interface StartOptions {
  readonly by: string;
  /** All on the roster when absent. */
  readonly agents?: readonly string[];
  /** What happens when some cannot be started. Default `roll-back`. */
  readonly onFailure?: 'roll-back' | 'degrade';
  /** For all of it. Default 30 000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What came of it (B2); instances are `<agent>.<ordinal>`. */
export type AgentsStarted =
  | { readonly kind: 'started'; readonly instances: readonly string[] }
  | {
      readonly kind: 'degraded';
      readonly instances: readonly string[];
      readonly errors: readonly StartFailure[];
    }
  | { readonly kind: 'rolled-back'; readonly errors: readonly StartFailure[] };

const usualTimeoutMs = 30_000;
const lookAgainMs = 200;

/** Starts agents and resolves when they are up, or with all that kept them from it (B1–B3). Throws `unknown-agent`, and `agents-not-stopped` when a roll-back is not done in time. */
export async function startAgents(place: SpacePlace, options: StartOptions): Promise<AgentsStarted> {
  const { by, onFailure = 'roll-back' } = options;
  const agents = knownAgents(place, options.agents);
  const { listed } = rosterIn(variablesOf(place));
  const due = new Set(agents.filter((agent) => listed.includes(agent)));
  const { before, revision } = await writeRoster(place, { by, cause: 'started' }, (started) => [
    ...started,
    ...[...due].filter((agent) => !started.includes(agent)),
  ]);
  const { instances, errors } = await awaitStarts(place, { agents, revision, ...options });
  if (errors.length === 0) return { kind: 'started', instances };
  if (onFailure === 'degrade') return { kind: 'degraded', instances, errors };
  const fresh = new Set([...due].filter((agent) => !before.includes(agent)));
  await writeRoster(place, { by, cause: 'start rolled back' }, (started) =>
    started.filter((agent) => !fresh.has(agent)),
  );
  await awaitGone(place, fresh, options);
  return { kind: 'rolled-back', errors };
}

/** Who was stopped, and who was not, because another selection lists him. */
export interface AgentsStopped {
  readonly stopped: readonly string[];
  readonly kept: readonly { readonly agent: string; readonly by: string }[];
}

/** Stops agents of the roster and resolves when they are gone. Throws `unknown-agent`, `agents-not-stopped`. */
export async function stopAgents(
  place: SpacePlace,
  options: Omit<StartOptions, 'onFailure'>,
): Promise<AgentsStopped> {
  const { by } = options;
  const agents = knownAgents(place, options.agents);
  const { listed } = rosterIn(variablesOf(place));
  const due = new Set(agents.filter((agent) => listed.includes(agent)));
  const others = agents.filter((agent) => !due.has(agent));
  await writeRoster(place, { by, cause: 'stopped' }, (started) => started.filter((agent) => !due.has(agent)));
  await awaitGone(place, due, options);
  const kept = others.map((agent) => {
    const [first] = selectionsOf(agent, variablesOf(place)).filter(({ id }) => id !== rosterId);
    return { agent, by: first?.id ?? 'its definition' };
  });
  return { stopped: [...due].toSorted(), kept };
}

function variablesOf({ mirror }: SpacePlace): readonly VariableState[] {
  return [...mirror.state.view.variables.values()];
}

/** Those named, or all on the roster. Throws `unknown-agent`. */
function knownAgents(place: SpacePlace, named: readonly string[] | undefined): readonly string[] {
  const defined = new Set([...place.mirror.state.agents.values()].map(({ spec }) => spec.id));
  const unknown = (named ?? []).filter((agent) => !defined.has(agent));
  if (unknown.length > 0)
    throw agentError('unknown-agent', `the space has no ${unknown.join(', ')}; register them first`, {
      details: { agents: unknown },
    });
  return named ?? rosterIn(variablesOf(place)).listed;
}

const attempts = 5;

/** Writes the roster onto the value it was worked out from; nothing when it is so already, or when there is none. */
async function writeRoster(
  { mirror }: SpacePlace,
  { by, cause }: { readonly by: string; readonly cause: string },
  change: (started: readonly string[]) => readonly string[],
): Promise<{ readonly before: readonly string[]; readonly revision: number }> {
  for (let attempt = 1; ; attempt++) {
    await mirror.refresh();
    const { view } = mirror.state;
    const before = rosterIn([...view.variables.values()]).started;
    const next = change(before);
    const isSame = next.length === before.length && next.every((agent, place) => agent === before[place]);
    if (isSame) return { before, revision: view.revision };
    try {
      const ifRevision = view.variables.get(rosterId)?.revision;
      const { revision } = await mirror.store.update(rosterId, [...next], { by, cause, ifRevision });
      return { before, revision };
    } catch (error) {
      if (!(error instanceof MabeamError) || error.code !== 'stale-revision' || attempt === attempts)
        throw error;
    }
  }
}

/** Waits until each agent's instances are up or cannot be; at the deadline who is not up has failed. */
async function awaitStarts(
  { mirror }: SpacePlace,
  {
    agents,
    revision,
    signal,
    timeoutMs = usualTimeoutMs,
  }: StartOptions & { readonly agents: readonly string[]; readonly revision: number },
): Promise<{ readonly instances: readonly string[]; readonly errors: readonly StartFailure[] }> {
  const end = endOf(timeoutMs, signal);
  const wanted = new Set(agents);
  for (;;) {
    const { agents: defined, desired, leases, observed } = situationOf(mirror);
    const standing = spaceStanding(mirror, Date.now(), revision);
    const verdict = judgeStarts({
      wanted: defined.filter(({ spec }) => wanted.has(spec.id)),
      desired: desired.filter(({ agent }) => wanted.has(agent)),
      standing,
      leases,
      observed,
      isFrozen: mirror.freeze !== undefined,
      isOver: end.aborted,
    });
    if (verdict.coming === 0) return verdict;
    await mirror.nextChange(lookAgainMs, end);
  }
}

/** Waits until no instance of these agents holds a lease; throws `agents-not-stopped`. */
async function awaitGone(
  { mirror, space }: SpacePlace,
  agents: ReadonlySet<string>,
  { signal, timeoutMs = usualTimeoutMs }: Pick<StartOptions, 'signal' | 'timeoutMs'>,
): Promise<void> {
  const end = endOf(timeoutMs, signal);
  for (;;) {
    const left = mirror.leases.filter(({ agent }) => agents.has(agent)).map(observedKey);
    if (left.length === 0) return;
    if (end.aborted) {
      const cure = mirror.freeze === undefined ? 'see mabeam space status' : 'the space is frozen';
      throw orchestratorError('agents-not-stopped', `${left.join(', ')} of ${space} still run; ${cure}`, {
        details: { space, instances: left },
      });
    }
    await mirror.nextChange(lookAgainMs, end);
  }
}

function endOf(timeoutMs: number, signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
}
