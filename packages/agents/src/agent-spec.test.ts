import { MabeamError } from '@mabeam/bus';
import { describe, expect, test } from 'vitest';
import { parseAgentSpec } from './agent-spec.ts';
import { defaultSupervision } from './supervision-policy.ts';

const problemsOf = (value: unknown): string => {
  try {
    parseAgentSpec(value);
  } catch (error) {
    if (error instanceof MabeamError && error.code === 'invalid-agent-spec') return error.message;
    throw error;
  }
  return '';
};

describe('parseAgentSpec', () => {
  test('an id alone is a complete definition', () => {
    expect(parseAgentSpec({ id: 'words' })).toEqual({
      v: 1,
      id: 'words',
      role: 'executor',
      replicas: 1,
      config: {},
      variables: {},
      restart: 'permanent',
    });
  });

  test('parsing what was parsed changes nothing', () => {
    const spec = parseAgentSpec({
      id: 'words',
      role: 'evaluator',
      group: 'specialists',
      run: { command: ['python3', 'words.py'] },
      replicas: 3,
      config: { prior: 0.2, labels: ['ham', 'spam'] },
      variables: { smoothing: { initial: 1, min: 0, max: 10 } },
      restart: 'transient',
      bounds: { min: 1, max: 5 },
      resources: { memory: '256MiB', cpuWeight: 0.5 },
      after: ['links'],
      supervisor: 'judge',
      supervision: { strategy: 'one-for-all' },
      priority: 2,
      stateless: true,
    });
    expect(spec.resources?.memory).toBe(268_435_456);
    expect(spec.supervision).toEqual({ ...defaultSupervision(), strategy: 'one-for-all' });
    expect(parseAgentSpec(spec)).toEqual(spec);
  });

  test.each([
    ['no id', {}, 'id:'],
    ['a reserved id', { id: 'orchestrator' }, 'id:'],
    ['an id with a dot', { id: 'a.b' }, 'id:'],
    ['an unknown role', { id: 'a', role: 'boss' }, 'role:'],
    ['a misspelt key', { id: 'a', replica: 3 }, 'replica'],
    ['half a replica', { id: 'a', replicas: 0.5 }, 'replicas:'],
    ['a module by a relative path', { id: 'a', run: { module: './a.ts' } }, 'run'],
    ['a module and a command', { id: 'a', run: { module: '/a.ts', command: ['a'] } }, 'run'],
    ['an empty command', { id: 'a', run: { command: [] } }, 'run'],
    ['a variable without an initial value', { id: 'a', variables: { x: {} } }, 'variables.x.initial'],
    ['min above max', { id: 'a', variables: { x: { initial: 1, min: 2, max: 1 } } }, 'variables.x.min'],
    ['a broken pattern', { id: 'a', variables: { x: { initial: '', pattern: '(' } } }, 'variables.x.pattern'],
    ['a version from the future', { v: 2, id: 'a' }, 'v:'],
    ['a config that is not JSON', { id: 'a', config: { f: () => 1 } }, 'config.f'],
    ['replicas beyond the bounds', { id: 'a', replicas: 4, bounds: { min: 1, max: 3 } }, 'replicas: 4'],
    ['bounds upside down', { id: 'a', bounds: { min: 2, max: 1 } }, 'bounds.min'],
    ['an agent after itself', { id: 'a', after: ['a'] }, 'after:'],
    ['an agent above itself', { id: 'a', supervisor: 'a' }, 'supervisor:'],
    ['permissions of a role that has its own', { id: 'a', permissions: ['ask'] }, 'permissions:'],
    ['a name for a role that has one', { id: 'a', role: 'monitor', customRole: 'x' }, 'customRole:'],
    ['an unknown form', { id: 'a', run: { module: '/a.ts', form: 'thread' } }, 'run'],
    ['an unknown strategy', { id: 'a', supervision: { strategy: 'none' } }, 'supervision.strategy'],
    ['a resource that is none', { id: 'a', resources: { disk: 1 } }, 'disk'],
    ['not an object', 'words', 'definition:'],
  ])('%s is refused and named', (_name, value, named) => {
    expect(problemsOf(value)).toContain(named);
  });
});
