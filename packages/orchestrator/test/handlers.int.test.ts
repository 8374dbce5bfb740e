/** Handlers over a real server: who answers what, and what becomes of those who do not. */
import { connectBus, type Bus } from '@mabeam/bus';
import { freshSpace } from '@mabeam/testing';
import { agentSelection, customVariable, performanceThreshold } from '@mabeam/variables';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { askSuggestion, callHandler, coordinateByHandler } from '../src/handlers/call-handler.ts';
import { defineAdaptation, defineCoordination, serveHandler } from '../src/handlers/serve-handler.ts';
import { windowsOf } from '../src/strategies/conformance.ts';
import type { AgentStanding, CoordinationContext } from '../src/strategies/coordination.ts';
import { specOf, valued } from './team.ts';

const space = freshSpace();
let bus: Bus;
let other: Bus;

beforeAll(async () => {
  const url = inject('natsUrl');
  [bus, other] = await Promise.all([
    connectBus({ url, name: 'asker' }),
    connectBus({ url, name: 'handlers' }),
  ]);
});

afterAll(async () => {
  await bus.close();
  await other.close();
});

/** Serves it on the other connection, and resolves when questions reach it. */
async function serving<T extends AsyncDisposable>(service: T): Promise<T> {
  await other.flush();
  return service;
}

const standing = (id: string, status: AgentStanding['status']): [string, AgentStanding] => [
  id,
  { spec: specOf(id), status },
];
const context: CoordinationContext = {
  availableResources: {},
  systemLoad: 0,
  timestamp: 1,
  epoch: 3,
  agents: new Map([standing('a', 'active'), standing('b', 'inactive'), standing('c', 'inactive')]),
};
const team = (coordination: string) =>
  valued(agentSelection('team', { agents: ['a', 'b'], constraints: { minActive: 1 }, coordination }), ['a']);

describe('a coordination handler', () => {
  test('answers another value, which is coordinated as its kind does', async () => {
    await using _service = await serving(
      serveHandler(
        other,
        space,
        defineCoordination('both', () => ({ value: ['a', 'b'] })),
      ),
    );
    const outcome = await coordinateByHandler(bus, space, { variable: team('both'), value: ['a'], context });
    expect(outcome).toMatchObject({ kind: 'directives', directives: [{ action: 'start', agent: 'b' }] });
  });

  test('answers directives of its own, which get their ids, order and deadlines', async () => {
    const parameters = { speed: 2 };
    const handler = defineCoordination('own', ({ context: seen }) => ({
      directives: Object.keys(seen.agents)
        .filter((agent) => agent !== 'c')
        .toReversed()
        .map((agent) => ({ agent, action: 'adjust-parameters' as const, parameters })),
    }));
    await using _service = await serving(serveHandler(other, space, handler));
    const outcome = await coordinateByHandler(bus, space, { variable: team('own'), value: ['a'], context });
    expect(outcome).toMatchObject({
      directives: [
        { agent: 'a', action: 'adjust-parameters', parameters, timeoutMs: 1_000, epoch: 3, variable: 'team' },
        { agent: 'b' },
      ],
    });
  });

  test.each([
    ['forbidden', () => ({ value: [] }), 'invalid-configuration'],
    [
      'stranger',
      () => ({ directives: [{ agent: 'c', action: 'stop' as const, parameters: {} }] }),
      'invalid-configuration',
    ],
    [
      'twice',
      () => ({ directives: ['a', 'a'].map((agent) => ({ agent, action: 'stop' as const, parameters: {} })) }),
      'invalid-configuration',
    ],
    // A handler in another language may answer anything.
    ['nonsense', () => 'yes' as unknown as { value: null }, 'handler-failed'],
    [
      'throws',
      () => {
        throw new Error('out of ideas');
      },
      'handler-failed',
    ],
  ])('%s cannot break what holds', async (name, run, code) => {
    await using _service = await serving(serveHandler(other, space, defineCoordination(name, run)));
    const outcome = await coordinateByHandler(bus, space, { variable: team(name), value: ['a'], context });
    expect(outcome).toMatchObject({ kind: 'failed', error: { code } });
  });

  test('that is silent is handler-failed at the deadline, and sees its signal abort', async () => {
    const aborted = Promise.withResolvers<void>();
    const silent = defineCoordination('silent', (_, { signal }) => {
      signal.addEventListener('abort', () => aborted.resolve(), { once: true });
      return aborted.promise.then(() => ({ value: ['a'] }));
    });
    await using _service = await serving(serveHandler(other, space, silent));
    const asked = { variable: team('silent'), value: ['a'], context };
    expect(await coordinateByHandler(bus, space, asked, { timeoutMs: 200 })).toMatchObject({
      kind: 'failed',
      error: { code: 'handler-failed', details: { handler: 'silent', variable: 'team' } },
    });
    await aborted.promise;
  });

  test('that nobody serves is handler-not-registered; a variable without one needs none', async () => {
    expect(
      await coordinateByHandler(bus, space, { variable: team('gone'), value: ['a'], context }),
    ).toMatchObject({
      kind: 'failed',
      error: { code: 'handler-not-registered' },
    });
    const plain = valued(performanceThreshold('t', { initial: 0.5 }), 0.5);
    expect((await coordinateByHandler(bus, space, { variable: plain, value: 0.6, context })).kind).toBe(
      'directives',
    );
  });
});

describe('an adaptation handler', () => {
  const dial = valued(customVariable('dial', { initial: 1 }), 1);
  const ask = (handler: string) =>
    askSuggestion(bus, space, { variable: dial, handler, windows: windowsOf([0.5, undefined]) });

  test('sees the value and the windows, and suggests a value or nothing', async () => {
    const handler = defineAdaptation('next', ({ metrics, value }) =>
      metrics[0]?.aggregatePerformance === 0.5 ? { value: Number(value) + 1, reason: 'more' } : undefined,
    );
    await using _service = await serving(serveHandler(other, space, handler));
    expect(await ask('next')).toEqual({ kind: 'change', value: 2, reason: 'more' });
    await using _nothing = await serving(
      serveHandler(
        other,
        space,
        defineAdaptation('nothing', () => undefined),
      ),
    );
    expect(await ask('nothing')).toMatchObject({ kind: 'steady' });
  });

  test('refuses a question of another kind', async () => {
    await using _service = await serving(
      serveHandler(
        other,
        space,
        defineAdaptation('picky', () => undefined),
      ),
    );
    const question = {
      v: 1,
      kind: 'coordination',
      variable: 'x',
      value: 1,
      context: { ...context, agents: {} },
    } as const;
    await expect(callHandler(bus, space, 'picky', question)).rejects.toMatchObject({
      code: 'handler-failed',
      details: { code: 'invalid-question' },
    });
  });
});
