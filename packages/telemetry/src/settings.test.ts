import { expect, test } from 'vitest';
import { instanceIdOf, resourceAttributesOf } from './process-identity.ts';
import { readSettings } from './settings.ts';

test('a process about which nothing is said has the defaults', () => {
  expect(readSettings({}, 7)).toEqual({
    enabled: true,
    identity: { service: 'mabeam', process: '7' },
    url: undefined,
    rootsPerSecond: 5,
    batch: { delayMs: 500, maxWaiting: 2_048, maxBatch: 512 },
    exportTimeoutMs: 30_000,
    complaints: [],
  });
});

test('a hosted agent is known by space, agent, ordinal and incarnation', () => {
  const env = { MABEAM_SPACE: 'desk', MABEAM_AGENT: 'judge', MABEAM_ORDINAL: '1', MABEAM_INCARNATION: '4' };
  const { identity } = readSettings(env, 7);
  expect(instanceIdOf(identity)).toBe('desk/judge.1/4');
  expect(resourceAttributesOf(identity)).toEqual({
    'service.name': 'judge',
    'service.instance.id': 'desk/judge.1/4',
    'mabeam.space': 'desk',
    'mabeam.agent.id': 'judge',
    'mabeam.instance': 'judge.1',
    'mabeam.incarnation': '4',
  });
});

test('two processes of one service differ by their pid', () => {
  const ids = [7, 8].map((pid) => instanceIdOf(readSettings({ OTEL_SERVICE_NAME: 'node' }, pid).identity));
  expect(ids).toEqual(['all/node/7', 'all/node/8']);
});

test('a number that makes no sense is replaced and complained about, never fatal', () => {
  const env = {
    MABEAM_TRACE_ROOTS_PER_SECOND: 'many',
    OTEL_BSP_MAX_QUEUE_SIZE: '0',
    OTEL_BSP_SCHEDULE_DELAY: '',
  };
  const settings = readSettings(env, 7);
  expect(settings.rootsPerSecond).toBe(5);
  expect(settings.batch).toEqual({ delayMs: 500, maxWaiting: 2_048, maxBatch: 512 });
  expect(settings.complaints).toHaveLength(2);
});

test('a batch is never larger than its queue', () => {
  expect(readSettings({ OTEL_BSP_MAX_QUEUE_SIZE: '100' }, 7).batch.maxBatch).toBe(100);
});

test('OTEL_SDK_DISABLED=true disables, whatever its case', () => {
  expect(readSettings({ OTEL_SDK_DISABLED: 'TRUE' }, 7).enabled).toBe(false);
  expect(readSettings({ OTEL_SDK_DISABLED: '1' }, 7).enabled).toBe(true);
});
