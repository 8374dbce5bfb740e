/** What `mabeam dev` says when it is ready: what runs where, and how to go on. Pure. */
import { publicUrl } from '@mabeam/bus';
import type { DevProcess } from '../dev.ts';
import { renderTable, type Paint } from './table.ts';

/** A session that is ready. */
export interface ReadySession {
  readonly url: string;
  readonly spaces: readonly string[];
  readonly processes: readonly DevProcess[];
  /** What becomes of the state afterwards, and where telemetry goes, in words. */
  readonly store: string;
  readonly otlp: string;
}

/** How the reader starts this program: the words before the command, and the URL a second terminal needs. */
export interface Invocation {
  /** `mabeam`, or `npm run --silent mabeam --`. */
  readonly program: string;
  readonly defaultUrl: string;
  readonly trigger?: string | undefined;
}

/** The text of a ready session. */
export function renderSession(
  session: ReadySession,
  { program, defaultUrl, trigger }: Invocation,
  paint: Paint,
): string {
  const shown = publicUrl(session.url);
  const isWhole = shown === session.url;
  const rows = session.processes.map(({ name, pid }) => [name, pid?.toString(), purposeOf(name, session)]);
  const steps = [
    ...(session.url === defaultUrl
      ? []
      : [`export NATS_URL=${isWhole ? shown : '<the URL, with your credentials>'}`]),
    `${program} ps`,
    `${program} variable list`,
    `${program} event publish ${trigger ?? 'my-trigger'} '{}'`,
    `${program} logs -f`,
  ];
  return [
    `${paint(['green'], 'ready')}  ${paint(['bold'], shown)}  ${spacesIn(session.spaces)}`,
    '',
    renderTable(['process', 'pid', 'does'], rows, paint),
    '',
    'In a second terminal:',
    ...steps.map((step) => `  ${step}`),
    '',
    paint(['dim'], 'Ctrl-C drains the agents and stops everything; twice ends it at once.'),
  ].join('\n');
}

function spacesIn(spaces: readonly string[]): string {
  return `${spaces.length === 1 ? 'space' : 'spaces'} ${spaces.join(', ')}`;
}

function purposeOf(name: string, { spaces, store, otlp }: ReadySession): string {
  switch (name) {
    case 'nats-server':
      return `carries messages and keeps state; ${store}`;
    case 'orchestrator':
      return `leads ${spaces.join(', ')}`;
    case 'node':
      return 'hosts the agents';
    default:
      return otlp;
  }
}
