import { parseAgentSpec } from '@mabeam/agents';
import { describe, expect, test } from 'vitest';
import { agentCommandLine, agentEnvironment } from './launch.ts';

const node = { execPath: '/bin/node', execArgv: [], preload: [] };
const spec = (run: unknown) => parseAgentSpec({ id: 'words', run });

describe('agentCommandLine', () => {
  test('a module given by URL or path is run by this Node', () => {
    expect(agentCommandLine(spec({ module: 'file:///agents/words%201.ts' }), node)).toEqual({
      command: '/bin/node',
      args: ['/agents/words 1.ts'],
    });
    expect(agentCommandLine(spec({ module: '/agents/words.ts' }), node).args).toEqual(['/agents/words.ts']);
  });

  test('a module given by package name is imported by Node’s own resolution', () => {
    const { args } = agentCommandLine(spec({ module: '@acme/words' }), node);
    expect(args).toEqual(['--input-type=module', '--eval', 'await import(process.argv[1])', '@acme/words']);
  });

  test.each([
    [['--conditions=@mabeam/source']],
    [['-C', '@mabeam/source']],
    [['--conditions', '@mabeam/source']],
  ])('an agent runs from source when its host does (%j)', (execArgv) => {
    const { args } = agentCommandLine(spec({ module: '/a.ts' }), { ...node, execArgv });
    expect(args).toEqual(['--conditions=@mabeam/source', '/a.ts']);
  });

  test('preloads come before the module, in order', () => {
    const { args } = agentCommandLine(spec({ module: '/a.ts' }), { ...node, preload: ['file:///x.ts', 'y'] });
    expect(args).toEqual(['--import', 'file:///x.ts', '--import', 'y', '/a.ts']);
  });

  test('a command is run as it is', () => {
    const run = { command: ['python3', '-u', 'words.py'] };
    expect(agentCommandLine(spec(run), { ...node, preload: ['file:///x.ts'] })).toEqual({
      command: 'python3',
      args: ['-u', 'words.py'],
    });
  });

  test('an agent that is started elsewhere cannot be hosted', () => {
    expect(() => agentCommandLine(spec(undefined), node)).toThrow(
      expect.objectContaining({ code: 'not-hostable' }),
    );
  });
});

describe('agentEnvironment', () => {
  const setup = {
    natsUrl: 'nats://server:4222',
    space: 'mail',
    spec: parseAgentSpec({ id: 'words', config: { prior: 0.2 } }),
    ordinal: 1,
    incarnation: 'abc-0',
  };

  test('an agent is told where, who and which it is, and keeps what its host has', () => {
    expect(agentEnvironment(setup, { PATH: '/bin', NODE_COMPILE_CACHE: '/cache' })).toEqual({
      PATH: '/bin',
      NODE_COMPILE_CACHE: '/cache',
      NATS_URL: 'nats://server:4222',
      MABEAM_SPACE: 'mail',
      MABEAM_AGENT: 'words',
      MABEAM_ORDINAL: '1',
      MABEAM_INCARNATION: 'abc-0',
      MABEAM_CONFIG: '{"prior":0.2}',
      MABEAM_LOG_LEVEL: 'info',
    });
  });

  test('an agent is given the bundle of its host, never one that the host was given', () => {
    const inherited = { MABEAM_RUNTIME_BUNDLE: '/of/somebody/else' };
    const bundleOf = (given: object): string | undefined =>
      agentEnvironment({ ...setup, ...given }, inherited)['MABEAM_RUNTIME_BUNDLE'];
    expect(bundleOf({ runtimeBundle: '/bundles/one' })).toBe('/bundles/one');
    expect(bundleOf({ runtimeBundle: 'off' })).toBe('off');
  });

  test('the folder of compiled code is this user’s alone', () => {
    expect(agentEnvironment(setup, {})['NODE_COMPILE_CACHE']).toMatch(/mabeam-compile-cache-\d+$/);
  });
});
