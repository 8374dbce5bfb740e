import type { DiscoveredService } from '@mabeam/bus';
import { expect, test } from 'vitest';
import type { TeamInstance } from '../team.ts';
import { checksOfServices } from './services.ts';

const service = (name: string, incarnation: string, space = 'desk'): DiscoveredService => ({
  type: 'io.nats.micro.v1.ping_response',
  name,
  id: `${name}-0-${incarnation}`,
  version: '1.0.0',
  metadata: { 'mabeam.space': space, 'mabeam.ordinal': '0', 'mabeam.incarnation': incarnation },
});
const words: TeamInstance = { agent: 'words', ordinal: 0, status: 'active', node: 'vm' };
const desk = { space: 'desk', instances: [words] };

test('the doctor counts who answers in a space, and names those that no node hosts', () => {
  const found = [service('words', 'a'), service('free', 'b'), service('judge', 'c', 'other')];
  expect(checksOfServices(desk, found)).toEqual([
    {
      name: 'desk: services',
      status: 'ok',
      message: '2 answer, as nats micro ls shows them; hosted by no node: free.0',
    },
  ]);
});

test('an instance that lives twice is broken', () => {
  const [, twins] = checksOfServices(desk, [service('words', 'a'), service('words', 'b')]);
  expect(twins).toMatchObject({
    name: 'desk: twins',
    status: 'fail',
    message: 'alive more than once: words.0 (a, b)',
  });
});

test('of a space in which nobody answers, and of strangers, nothing is said', () => {
  const stranger = { ...service('words', 'a'), metadata: {} };
  expect(checksOfServices(desk, [])).toEqual([]);
  expect(checksOfServices(desk, [stranger])).toEqual([]);
});
