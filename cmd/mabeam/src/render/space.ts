/** Spaces and the differences between them as text. Pure. */
import type { DefinedSpace, PartDifference } from '@mabeam/orchestrator';
import { renderFields, renderTable, shownValue, type Paint, type Style } from './table.ts';

const marks = { added: '+', changed: '~', removed: '-' } as const;
const styles: Readonly<Record<PartDifference['kind'], Style>> = {
  added: 'green',
  changed: 'yellow',
  removed: 'red',
};

/** A line for each part that differs, and below it one for each field of a part that changes. */
export function renderDifferences(differences: readonly PartDifference[], paint: Paint): string {
  return differences
    .flatMap(({ kind, part, fields }) => [
      paint([styles[kind]], `${marks[kind]} ${part}`),
      ...(kind === 'changed' ? fields : []).map(
        ({ field, from, to }) => `    ${field}  ${shown(from)} → ${shown(to)}`,
      ),
    ])
    .join('\n');
}

/** How a space is defined: a table of its agents, one of its variables, and its rules and policies. */
export function renderSpace({ definition, revision }: DefinedSpace, paint: Paint): string {
  const { agents, name, pool, rules, scaling = [], space, variables } = definition;
  const head: (readonly [string, string])[] = [
    ['space', paint(['bold'], space)],
    ...(name === undefined ? [] : [['name', name] as const]),
    ['revision', String(revision)],
    ...(pool === undefined ? [] : [['pool', shownValue(pool)] as const]),
  ];
  const tables = [
    renderTable(
      ['agent', 'role', 'replicas', 'run'],
      agents.map(({ id, role, replicas, bounds, run }) => [
        id,
        role,
        bounds === undefined ? String(replicas) : `${bounds.min}–${bounds.max}`,
        run === undefined ? 'elsewhere' : 'module' in run ? run.module : run.command.join(' '),
      ]),
      paint,
    ),
    renderTable(
      ['variable', 'kind', 'initial', 'agents'],
      variables.map(({ id, kind, initial, agents: whom }) => [
        id,
        kind,
        shownValue(initial),
        whom.join(', '),
      ]),
      paint,
    ),
    renderTable(
      ['rule', 'on', 'adapts', 'by'],
      rules.map(({ id, on, adapt, by }) => [
        id,
        'trigger' in on ? on.trigger : `event ${on.event}`,
        adapt,
        shownValue(by),
      ]),
      paint,
    ),
    renderTable(
      ['scaling', 'of', 'metric'],
      scaling.map(({ id, target, metric }) => [
        id,
        'agent' in target ? target.agent : `role ${target.role}`,
        metric,
      ]),
      paint,
    ),
  ];
  const filled = [agents, variables, rules, scaling].map((parts) => parts.length > 0);
  return [renderFields(head, paint), ...tables.filter((_, index) => filled[index])].join('\n\n');
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : shownValue(value);
}
