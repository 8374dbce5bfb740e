/** What became of a stop by hand, and what comes next. Pure. */
import type { Prospect, StoppedInstance, StopTarget } from '../stopping.ts';
import { oneLine, type Paint } from './table.ts';

/** A line for each instance, and one on what the orchestrator will do. */
export function renderStops(
  { agent, ordinal }: StopTarget,
  { prospect, stops }: { readonly prospect: Prospect; readonly stops: readonly StoppedInstance[] },
  paint: Paint,
): string {
  const name = ordinal === undefined ? agent : `${agent}.${ordinal}`;
  const lines = stops.map(({ instance, kind, node, reason }) => {
    const word = kind === 'stopped' ? 'has stopped' : 'is stopping';
    return `${paint(['bold'], instance)} ${word} on ${node}${reason === undefined ? '' : ` (${oneLine(reason)})`}`;
  });
  return [...(lines.length === 0 ? [`${name} is not running`] : lines), shownProspect(agent, prospect)].join(
    '\n',
  );
}

function shownProspect(agent: string, { kind, variables }: Prospect): string {
  const governed = variables.join(' and ');
  switch (kind) {
    case 'restart':
      return variables.length === 0
        ? `the orchestrator starts it again: no variable governs ${agent}, so it always runs. To keep it stopped, take it out of the space definition, or mabeam freeze`
        : `the orchestrator starts it again: ${governed} selects it. To keep it stopped: mabeam variable set ${variables[0] ?? ''} … without ${agent}`;
    case 'rest':
      return 'it stays stopped until its definition or its selection changes (its restart is not "permanent")';
    case 'frozen':
      return 'it stays stopped while the space is frozen; mabeam unfreeze lets the orchestrator start it again';
    case 'elsewhere':
      return 'it is started elsewhere; the orchestrator leaves it as it is';
    case 'not-desired':
      return governed === ''
        ? 'it is not defined any more and stays stopped'
        : `it stays stopped: ${governed} does not select it`;
  }
}
