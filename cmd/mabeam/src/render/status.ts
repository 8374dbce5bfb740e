/** The standing of a space as text and as JSON. Pure. */
import { isAsDesired, type SpaceStanding } from '@mabeam/orchestrator';
import type { FreezeState } from '@mabeam/variables';
import { oneLine, renderFields, renderTable, shownAge, shownValue, type Paint } from './table.ts';

/** A space, how it stands, who leads it. */
export interface SpaceStatus {
  readonly space: string;
  readonly standing: SpaceStanding;
  /** The process that leads; undefined: nobody, so that nothing is started or adapted. */
  readonly leader: string | undefined;
  readonly freeze: FreezeState | undefined;
}

/** What is said in JSON. */
export function statusDocument({
  freeze,
  leader,
  space,
  standing,
}: SpaceStatus): Readonly<Record<string, unknown>> {
  const { actions, desired, isWired, laggards, open, problems, revision, running, waiting } = standing;
  return {
    space,
    revision,
    leader: leader ?? null,
    freeze: freeze ?? null,
    isAsDesired: isAsDesired(standing),
    isWired,
    desired,
    running,
    laggards: laggards.map(({ agent, ordinal, reason }) => ({ instance: `${agent}.${ordinal}`, reason })),
    actions: actions.map(({ agent, ordinal, kind, node, reason }) => {
      return { kind, instance: `${agent}.${ordinal}`, node, reason };
    }),
    waiting: waiting.map(({ agent, ordinal, reason, on = null }) => {
      return { instance: `${agent}.${ordinal}`, reason, on };
    }),
    adaptations: open.map(({ hash, record }) => ({ hash, ...record })),
    problems: Object.fromEntries(problems),
  };
}

/** A summary, then a table for what is missing and one for the adaptations that are not over. `nowMs` is the time of the reading. */
export function renderStatus(status: SpaceStatus, nowMs: number, paint: Paint): string {
  const { freeze, leader, space, standing } = status;
  const { desired, isWired, open, problems, revision, running } = standing;
  const head: (readonly [string, string])[] = [
    ['space', `${paint(['bold'], space)} at revision ${revision}`],
    [
      'state',
      isAsDesired(standing) ? paint(['green'], 'as the variables say') : paint(['yellow'], 'not as desired'),
    ],
    [
      'leader',
      leader === undefined ? paint(['red'], 'nobody: nothing is started or adapted') : oneLine(leader),
    ],
    ...(freeze === undefined
      ? []
      : [['frozen', paint(['yellow'], `by ${oneLine(freeze.by)}: ${oneLine(freeze.reason)}`)] as const]),
    ['instances', `${desired.length} desired, ${running.length} running`],
    ['graph', isWired ? 'in force' : paint(['yellow'], 'the leader writes another one')],
    ...[...problems].map(
      ([key, why]) => ['problem', `${paint(['red'], oneLine(key))}: ${oneLine(why)}`] as const,
    ),
  ];
  const missing = missingRows(standing);
  const rows = open.map(({ hash, record: { at, changes, outcome, rule, trigger } }) => [
    hash,
    oneLine(trigger),
    rule,
    changes.map(({ variable, to }) => `${variable} = ${shownValue(to)}`).join(', '),
    outcome,
    shownAge(Date.parse(at), nowMs),
  ]);
  return [
    renderFields(head, paint),
    ...(missing.length === 0 ? [] : ['', renderTable(['instance', 'is', 'why'], missing, paint)]),
    ...(rows.length === 0
      ? []
      : ['', renderTable(['adaptation', 'on', 'rule', 'changes', 'outcome', 'since'], rows, paint)]),
  ].join('\n');
}

const laggardWords = {
  'not-active': 'not active',
  behind: 'behind',
  'still-at-work': 'still at work',
} as const satisfies Record<SpaceStanding['laggards'][number]['reason'], string>;

/** One row for each instance that is not as it ought to be: what it is, and what is being done or waited for. */
function missingRows({ actions, laggards, waiting }: SpaceStanding): readonly (readonly string[])[] {
  const nameOf = ({ agent, ordinal }: { readonly agent: string; readonly ordinal: number }): string =>
    `${agent}.${ordinal}`;
  const whys = new Map([
    ...actions.map((each) => [nameOf(each), `${each.kind} on ${each.node}: ${each.reason}`] as const),
    ...waiting.map((each) => [nameOf(each), waitingFor(each)] as const),
  ]);
  const lagging = laggards.map((each) => {
    const name = nameOf(each);
    return [name, laggardWords[each.reason], whys.get(name) ?? 'under way'];
  });
  const named = new Set(lagging.map(([name]) => name));
  const others = [...whys].filter(([name]) => !named.has(name));
  return [...lagging, ...others.map(([name, why]) => [name, 'changing', why])];
}

function waitingFor({ on, reason }: SpaceStanding['waiting'][number]): string {
  return on === undefined ? `waits: ${reason}` : `waits for ${on}: ${reason}`;
}
