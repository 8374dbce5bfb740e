/** What a change would cause, as text and as JSON. Pure. */
import type { Foresight, Rewiring } from '@mabeam/orchestrator';
import type { CoordinationGraph } from '@mabeam/variables';
import { renderFields, type Paint } from './table.ts';

/** What is said of a foresight in JSON: directives in the order in which they would be given. */
export function foresightDocument({
  actions,
  desired,
  rewiring,
  waiting,
}: Foresight): Readonly<Record<string, unknown>> {
  const directives = actions.map(({ kind, agent, ordinal, node, reason }) => {
    return { kind, instance: `${agent}.${ordinal}`, node, reason };
  });
  return {
    directives: [...directives, ...(rewiring === undefined ? [] : [rewiring])],
    waiting: waiting.map(({ agent, ordinal, reason }) => ({ instance: `${agent}.${ordinal}`, reason })),
    desired,
  };
}

/** A line for each directive, start that waits and new graph, and the instances that ought to run. */
export function renderForesight({ actions, desired, rewiring, waiting }: Foresight, paint: Paint): string {
  const fields: (readonly [string, string])[] = [
    ...actions.map(
      ({ kind, agent, ordinal, node, reason }) =>
        [kind, `${paint(['bold'], `${agent}.${ordinal}`)} on ${node} (${reason})`] as const,
    ),
    ...waiting.map(
      ({ agent, ordinal, reason }) =>
        ['wait', `${paint(['bold'], `${agent}.${ordinal}`)} is not started yet (${reason})`] as const,
    ),
    ...(rewiring === undefined ? [] : [['rewire', shownRewiring(rewiring)] as const]),
  ];
  if (fields.length === 0)
    return 'no directives: nothing starts, stops or is rewired; running agents read the value';
  const { before, after } = desired;
  return renderFields([...fields, ['before', shownNames(before)], ['after', shownNames(after)]], paint);
}

function shownRewiring({ added, from, removed, to }: Rewiring): string {
  return `${shownGraph(from)} → ${shownGraph(to)} (${added.length} edges added, ${removed.length} removed)`;
}

function shownGraph(graph: CoordinationGraph | undefined): string {
  if (graph === undefined) return 'everybody to everybody';
  const hub = graph.hub === undefined ? '' : ` around ${graph.hub}`;
  return `${graph.topology}${hub} of ${shownNames(graph.nodes)}`;
}

function shownNames(names: readonly string[]): string {
  return names.length === 0 ? 'nobody' : names.join(', ');
}
