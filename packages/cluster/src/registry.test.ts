import { describe, expect, test } from 'vitest';
import {
  instanceLeaseKey,
  instanceStatus,
  liveHolders,
  observedKey,
  parseInstanceHolder,
  parseInstanceKey,
  parseNodeRecord,
  parseObservedInstance,
} from './registry.ts';

const observed = {
  v: 1,
  agent: 'words',
  ordinal: 0,
  incarnation: 'abc-0',
  status: 'active',
  node: 'here',
  pid: 12,
  definitionRevision: 3,
  restarts: 0,
  since: '2026-11-24T05:00:00.000Z',
} as const;

const node = {
  v: 1,
  id: 'here',
  pid: 11,
  host: 'machine',
  startedAt: '2026-11-24T05:00:00.000Z',
  capacity: { cpu: 2, memory: 8e9 },
  instances: 3,
};

describe('entries', () => {
  test('a field that is not known yet does not make an entry unreadable', () => {
    expect(parseObservedInstance({ ...observed, mood: 'good' })).toEqual(observed);
    expect(parseNodeRecord({ ...node, zone: 'a' })).toEqual(node);
    expect(parseInstanceHolder({ node: 'here', pid: 11, incarnation: 'abc', more: 1 })).toEqual({
      node: 'here',
      pid: 11,
      incarnation: 'abc',
    });
  });

  test.each([
    [undefined],
    [null],
    ['text'],
    [{}],
    [{ ...observed, status: 'sleeping' }],
    [{ ...observed, v: 2 }],
  ])('%j is no observed entry', (value) => {
    expect(parseObservedInstance(value)).toBeUndefined();
  });
});

describe('keys', () => {
  test('both keys of an instance lead back to it', () => {
    const instance = { agent: 'words', ordinal: 12 };
    expect(observedKey(instance)).toBe('words.12');
    expect(instanceLeaseKey(instance)).toBe('instance.words.12');
    expect(parseInstanceKey('words.12')).toEqual(instance);
    expect(parseInstanceKey('instance.words.12')).toEqual(instance);
  });

  test.each(['leader', 'words', 'words.01', 'words.x', 'words.0.1', 'Words.0', 'instance.words'])(
    '%s is no key of an instance',
    (key) => {
      expect(parseInstanceKey(key)).toBeUndefined();
    },
  );
});

describe('instanceStatus', () => {
  const holder = { node: 'here', pid: 11, incarnation: 'abc' };

  test.each(['starting', 'active', 'stopping', 'failed'] as const)(
    '%s without a lease is failed',
    (status) => {
      expect(instanceStatus({ status }, undefined)).toBe('failed');
      expect(instanceStatus({ status }, holder)).toBe(status);
    },
  );

  test('inactive needs no lease, and a lease without an observation is starting', () => {
    expect(instanceStatus({ status: 'inactive' }, undefined)).toBe('inactive');
    expect(instanceStatus(undefined, undefined)).toBe('inactive');
    expect(instanceStatus(undefined, holder)).toBe('starting');
  });
});

test('who names a host is held while that host is there, and who names none while its own key is', () => {
  const [alone, covered, left] = [
    { node: 'here', pid: 1, incarnation: 'a-0' },
    { node: 'here', pid: 1, incarnation: 'b-0', host: 'h1' },
    { node: 'gone', pid: 2, incarnation: 'c-0', host: 'h2' },
  ];
  const entries = [
    { key: 'instance.alone.0', value: alone },
    { key: 'instance.covered.3', value: covered },
    { key: 'instance.left.0', value: left },
    { key: 'instance.broken.0', value: 7 },
    { key: 'instance.h2', value: alone },
    { key: 'leader', value: alone },
    { key: 'host.h1', value: { v: 1, node: 'here', pid: 1 } },
  ];
  expect(Object.fromEntries(liveHolders(entries))).toEqual({
    'instance.alone.0': alone,
    'instance.covered.3': covered,
  });
});
