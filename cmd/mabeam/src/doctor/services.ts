/** What the doctor learns from the agents themselves, whoever started them: each says as a service of NATS who it is. */
import type { DiscoveredService } from '@mabeam/bus';
import type { Team } from '../team.ts';
import { broken, well, type Check } from './check.ts';

/** Who answers in a space, and whether an instance lives more than once. Nothing to say where nobody answers. Pure. */
export function checksOfServices(
  { space, instances }: Pick<Team, 'space' | 'instances'>,
  services: readonly DiscoveredService[],
): readonly Check[] {
  const here = services.filter(({ metadata }) => metadata['mabeam.space'] === space);
  if (here.length === 0) return [];
  const lives = Map.groupBy(here, ({ name, metadata }) => `${name}.${metadata['mabeam.ordinal']}`);
  const hosted = new Set(
    instances.filter(({ node }) => node !== undefined).map(({ agent, ordinal }) => `${agent}.${ordinal}`),
  );
  const free = [...lives.keys()].filter((name) => !hosted.has(name));
  const unhosted = free.length === 0 ? '' : `; hosted by no node: ${free.join(', ')}`;
  const twins = [...lives].filter(([, all]) => all.length > 1).map(([name, all]) => describeTwins(name, all));
  return [
    well(`${space}: services`, `${here.length} answer, as nats micro ls shows them${unhosted}`),
    ...(twins.length === 0
      ? []
      : [
          broken(
            `${space}: twins`,
            `alive more than once: ${twins.join('; ')}`,
            'one of them was started by hand or its node is cut off; end that process',
          ),
        ]),
  ];
}

function describeTwins(name: string, all: readonly DiscoveredService[]): string {
  return `${name} (${all.map(({ metadata }) => metadata['mabeam.incarnation']).join(', ')})`;
}
