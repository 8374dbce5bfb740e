/** A team as text. Pure. */
import type { InstanceStatus } from '@mabeam/cluster';
import type { Team, TeamInstance } from '../team.ts';
import { oneLine, renderFields, renderTable, shownAge, type Paint, type Style } from './table.ts';

const statusStyle: Readonly<Record<InstanceStatus, Style>> = {
  active: 'green',
  starting: 'yellow',
  stopping: 'yellow',
  inactive: 'dim',
  failed: 'red',
};

/** The team as a table of instances, with space, leader and nodes above it. `nowMs` is the time of the reading. */
export function renderTeam(team: Team, nowMs: number, paint: Paint): string {
  const { freeze, leader, nodes } = team;
  const head = renderFields(
    [
      ['space', `${paint(['bold'], team.space)} at revision ${team.revision}`],
      [
        'leader',
        leader === undefined
          ? paint(['red'], 'nobody: nothing is started or adapted; run mabeam dev or mabeam-orchestrator')
          : `${oneLine(leader.process)} (pid ${leader.pid} on ${oneLine(leader.host)})`,
      ],
      ...(freeze === undefined ? [] : [['frozen', shownFreeze(freeze, nowMs, paint)] as const]),
      ...replicaFields(team.replicas ?? [], paint),
      ['nodes', nodes.length === 0 ? paint(['yellow'], 'none') : nodes.map(shownNode).join(', ')],
    ],
    paint,
  );
  if (team.instances.length === 0)
    return `${head}\n\nno agents; define some in a space.yaml, or start one: mabeam run`;
  const headings = ['instance', 'status', 'node', 'pid', 'applied', 'restarts', 'since', 'note'];
  const waiting = waitingOf(team.replicas ?? []);
  const rows = team.instances.map((instance) => rowOf(instance, { nowMs, paint, waiting }));
  return `${head}\n\n${renderTable(headings, rows, paint)}`;
}

function shownFreeze({ at, by, reason }: NonNullable<Team['freeze']>, nowMs: number, paint: Paint): string {
  const age = Number.isNaN(Date.parse(at)) ? '' : `, ${shownAge(Date.parse(at), nowMs)} ago`;
  const why = reason === '' ? '' : `: ${oneLine(reason)}`;
  const told = `by ${oneLine(by)}${age}${why}`;
  return `${paint(['yellow'], told)}; nothing is adapted, started, stopped or rewired until mabeam unfreeze`;
}

function shownNode({ id, pid, instances }: Team['nodes'][number]): string {
  return `${id} (pid ${pid}, ${instances} ${instances === 1 ? 'instance' : 'instances'})`;
}

/** Of agents that may be scaled, or whose replicas are not all there; of the others there is nothing to say. */
function replicaFields(
  replicas: NonNullable<Team['replicas']>,
  paint: Paint,
): readonly (readonly [string, string])[] {
  const telling = replicas.filter(({ bounds, ready, wanted }) => bounds !== undefined || ready !== wanted);
  if (telling.length === 0) return [];
  const shown = telling.map(({ agent, bounds, ready, wanted }) => {
    const limits = bounds === undefined ? '' : ` (${bounds.min} to ${bounds.max})`;
    const text = `${agent} ${ready} of ${wanted}${limits}`;
    return ready === wanted ? text : paint(['yellow'], text);
  });
  return [['replicas', shown.join(', ')]];
}

/** Why instances that ought to run do not, by instance. */
function waitingOf(replicas: NonNullable<Team['replicas']>): ReadonlyMap<string, string> {
  return new Map(
    replicas.flatMap(({ agent, waiting }) =>
      waiting.map(({ ordinal, reason }) => [`${agent}.${ordinal}`, `waits: ${reason}`]),
    ),
  );
}

interface RowContext {
  readonly nowMs: number;
  readonly paint: Paint;
  readonly waiting: ReadonlyMap<string, string>;
}

function rowOf(
  instance: TeamInstance,
  { nowMs, paint, waiting }: RowContext,
): readonly (string | undefined)[] {
  const { agent, ordinal, status, since } = instance;
  return [
    `${agent}.${ordinal}`,
    paint([statusStyle[status]], status),
    instance.node,
    instance.pid?.toString(),
    instance.applied?.toString(),
    instance.restarts?.toString(),
    since === undefined ? undefined : shownAge(Date.parse(since), nowMs),
    noteOf(instance) ?? (status === 'active' ? undefined : waiting.get(`${agent}.${ordinal}`)),
  ];
}

function noteOf({ status, applied, reason }: TeamInstance): string | undefined {
  if (reason !== undefined) return oneLine(reason);
  return status === 'active' && applied === undefined ? 'no heartbeat heard' : undefined;
}
