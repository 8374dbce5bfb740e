/** What the doctor looks at on a server: that it answers, its streams, its spaces, who leads and who hosts. */
import {
  discover,
  hasStream,
  listSpaces,
  platformStreams,
  publicUrl,
  spaceStreams,
  subjects,
  type Bus,
  type DiscoveredService,
  type StreamDefinition,
} from '@mabeam/bus';
import { readTeam, type Team } from '../team.ts';
import { broken, doubtful, well, type Check } from './check.ts';
import { checksOfServices } from './services.ts';

const skewAllowedMs = 500;
const listenMs = 1_200;
/** For agents that are busy. */
const sweep = { timeoutMs: 1_000, idleMs: 200 };

/** What the server is. */
export function checkServer(bus: Bus): Check {
  return well(
    'server',
    `${publicUrl(bus.url)}: nats-server ${bus.serverVersion}, JetStream on, messages up to ${bus.maxPayload} bytes`,
  );
}

/** The streams of all spaces, the spaces, and the state of each space in question. */
export async function checkSpaces(bus: Bus, wanted: string | undefined): Promise<readonly Check[]> {
  const spaces = await listSpaces(bus);
  const checks = [await checkStreams(bus, 'streams', platformStreams())];
  if (spaces.length === 0) {
    const cure = 'create one: mabeam dev space.yaml';
    return [...checks, doubtful('spaces', 'there is none', cure)];
  }
  checks.push(well('spaces', spaces.join(', ')));
  const services = await discover(bus, sweep);
  for (const space of wanted === undefined ? spaces : [wanted])
    checks.push(...(await checkSpace(bus, space, services)));
  return [...checks, ...(await checkClock(bus))];
}

async function checkSpace(
  bus: Bus,
  space: string,
  services: readonly DiscoveredService[],
): Promise<readonly Check[]> {
  const streams = await checkStreams(bus, `${space}: streams`, spaceStreams(space));
  if (streams.status !== 'ok') return [streams];
  const team = await readTeam(bus, space);
  return [streams, ...checksOfTeam(team), ...checksOfServices(team, services)];
}

async function checkStreams(bus: Bus, name: string, wanted: readonly StreamDefinition[]): Promise<Check> {
  const missing: string[] = [];
  for (const stream of wanted) if (!(await hasStream(bus, stream.name))) missing.push(stream.name);
  if (missing.length === 0) return well(name, `all ${wanted.length} are there`);
  const cure =
    'start an orchestrator for the space, which creates them: mabeam dev, or mabeam-orchestrator --space …';
  return broken(name, `missing: ${missing.join(', ')}`, cure);
}

/** Leader, a freeze, nodes, and entries whose host is gone. Pure. */
export function checksOfTeam({
  space,
  leader,
  freeze,
  nodes,
  instances,
  replicas = [],
}: Team): readonly Check[] {
  const cramped = replicas.flatMap(({ agent, waiting }) =>
    waiting
      .filter(({ reason }) => reason === 'resource-exhausted')
      .map(({ ordinal }) => `${agent}.${ordinal}`),
  );
  const stale = instances.filter(({ reason }) => reason?.startsWith('its host is gone') === true);
  const silent = instances.filter(({ status, applied }) => status === 'active' && applied === undefined);
  const named = (some: typeof instances): string =>
    some.map((one) => `${one.agent}.${one.ordinal}`).join(', ');
  return [
    leader === undefined
      ? broken(`${space}: leader`, 'nobody leads', `mabeam dev, or mabeam-orchestrator --space ${space}`)
      : well(`${space}: leader`, `${leader.process} (pid ${leader.pid} on ${leader.host})`),
    ...(freeze === undefined
      ? []
      : [
          doubtful(
            `${space}: frozen`,
            `by ${freeze.by} at ${freeze.at}: ${freeze.reason}; nothing is adapted, started, stopped or rewired`,
            `mabeam unfreeze --space ${space}`,
          ),
        ]),
    nodes.length === 0
      ? doubtful(`${space}: nodes`, 'none is alive: no agent can be started', 'mabeam dev, or mabeam-node')
      : well(`${space}: nodes`, nodes.map(({ id }) => id).join(', ')),
    stale.length === 0
      ? well(`${space}: agents`, `${instances.length} known, none without a host`)
      : doubtful(
          `${space}: agents`,
          `their host is gone: ${named(stale)}`,
          'a leader and a node start them again; without either start mabeam dev',
        ),
    ...(cramped.length === 0
      ? []
      : [
          doubtful(
            `${space}: pool`,
            `too little is left for: ${cramped.join(', ')} (resource-exhausted)`,
            'mabeam pool shows who has what; enlarge the pool, lower what agents ask for, or add a node',
          ),
        ]),
    ...(silent.length === 0
      ? []
      : [
          doubtful(
            `${space}: heartbeats`,
            `active but silent for a second: ${named(silent)}`,
            'busy, stuck, or a command that does not beat; see mabeam logs',
          ),
        ]),
  ];
}

/** Compares the server's time with ours at the next renewal of a lease; nothing to say when nobody renews one. */
async function checkClock(bus: Bus): Promise<readonly Check[]> {
  const skewMs = await nextSkew(bus);
  if (skewMs === undefined) return [];
  const shown = `${Math.abs(Math.round(skewMs))} ms ${skewMs < 0 ? 'behind' : 'ahead of'} the server`;
  if (Math.abs(skewMs) <= skewAllowedMs) return [well('clock', shown)];
  return [doubtful('clock', shown, 'set the clocks by NTP; ages and histories look wrong until then')];
}

async function nextSkew(bus: Bus): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  const timer = setTimeout(() => resolve(undefined), listenMs);
  const filters = [subjects('all').at('node.*'), 'mabeam.*.lease.leader'];
  const subscriptions = filters.map((filter) =>
    bus.subscribe(filter, ({ headers }) => {
      const at = Date.parse(headers.get('nats-time-stamp') ?? '');
      if (!Number.isNaN(at)) resolve(Date.now() - at);
    }),
  );
  const skewMs = await promise;
  clearTimeout(timer);
  for (const subscription of subscriptions) await subscription[Symbol.asyncDispose]();
  return skewMs;
}
