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
      ['nodes', nodes.length === 0 ? paint(['yellow'], 'none') : nodes.map(shownNode).join(', ')],
    ],
    paint,
  );
  if (team.instances.length === 0)
    return `${head}\n\nno agents; define some in a space.yaml, or start one: mabeam run`;
  const headings = ['instance', 'status', 'node', 'pid', 'applied', 'restarts', 'since', 'note'];
  const rows = team.instances.map((instance) => rowOf(instance, nowMs, paint));
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

function rowOf(instance: TeamInstance, nowMs: number, paint: Paint): readonly (string | undefined)[] {
  const { agent, ordinal, status, since } = instance;
  return [
    `${agent}.${ordinal}`,
    paint([statusStyle[status]], status),
    instance.node,
    instance.pid?.toString(),
    instance.applied?.toString(),
    instance.restarts?.toString(),
    since === undefined ? undefined : shownAge(Date.parse(since), nowMs),
    noteOf(instance),
  ];
}

function noteOf({ status, applied, reason }: TeamInstance): string | undefined {
  if (reason !== undefined) return oneLine(reason);
  return status === 'active' && applied === undefined ? 'no heartbeat heard' : undefined;
}
