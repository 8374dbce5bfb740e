/**
 * A change of leaders while metrics are watched. Windows, the usual level and what agents propose are in a leader's memory and end with
 * it: what its successor decides it decides by windows of its own, and by the records.
 */
import { commitBatch, connectBus, openEvents, readKey, spaceNames } from '@mabeam/bus';
import { startTestServer, waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSpaceMirror } from '../src/state/space-mirror.ts';
import { openGround, type Ground } from './ground.ts';
import { openWatchedTerm, watching } from './watched-term.ts';

const range = 'kind: custom, initial: 5, domain: { min: 0, max: 10, step: 1 }';
const policy = 'metric: performance, direction: below, target: 0.7, cooldownMs: 600000';
const definition = `
space: SPACE
agents: { a: { command: ['true'] }, b: { command: ['true'] } }
variables:
  eager: { ${range}, adaptation: { strategy: reactive, ${policy} } }
  slow: { ${range}, adaptation: { strategy: reactive, sustain: 4, ${policy} } }
  grown: { ${range}, adaptation: { strategy: emergent, explore: 0, ${policy} } }
  still: { ${range} }
rules:
  worse: { on: { trigger: performance-degradation }, adapt: still, by: { increase: 1 } }
`;

let server: Awaited<ReturnType<typeof startTestServer>>;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.stop());

const open = (): Promise<Ground> => openGround(server.url, definition);

/** Figures of just so many windows: a window for which there is none left is not looked at. */
function script(...first: readonly (number | undefined)[]) {
  const left = [...first];
  let isOver = Promise.withResolvers<void>();
  return {
    next: (): number | undefined => {
      if (left.length > 0) return left.shift();
      isOver.resolve();
      throw new Error('there are no more figures');
    },
    left: () => left.length,
    /** All windows so far have been dealt with. */
    over: () => isOver.promise,
    more: (...figures: readonly (number | undefined)[]): void => {
      isOver = Promise.withResolvers<void>();
      left.push(...figures);
    },
  };
}

/** How many records there are of what the policies of these variables did. */
const acted = ({ records }: Ground, ...variables: readonly string[]): readonly number[] =>
  variables.map((variable) => records().filter(({ id }) => id.startsWith(`${variable} `)).length);

async function triggers({ bus, space }: Ground): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const event of openEvents(bus, space).read({ filter: 'trigger.>' }))
    found.push(event.subject.split('.').at(-1) ?? '');
  return found;
}

test('a successor of a killed leader decides by fresh windows, and what has just acted rests', async () => {
  await using ground = await open();
  const { space } = ground;
  const bus = await connectBus({ url: server.url, name: 'victim' });
  const mirror = await openSpaceMirror(bus, space);
  const before = script(0.4, 0.4, 0.4);
  const victim = await openWatchedTerm({ bus, mirror, space, process: 'victim', ttlMs: 600 }, before.next);
  await before.over();
  // Gone at a stroke: nothing is given back.
  await bus.close();
  await waitFor(() => acted(ground, 'eager')[0] === 1, { what: 'what it did before is here' });
  const after = script(0.4);
  await watching({ ...ground, ttlMs: 600 }, after.next, async () => {
    await after.over();
    // That was the fourth bad window in a row, of which this leader has seen one.
    expect(acted(ground, 'eager', 'slow')).toEqual([1, 0]);
    after.more(0.4, 0.4);
    await after.over();
    expect(acted(ground, 'eager', 'slow')).toEqual([1, 0]);
    after.more(0.4);
    await after.over();
    await waitFor(() => acted(ground, 'slow')[0] === 1, { what: 'its own fourth window counts' });
  });
  expect(acted(ground, 'eager', 'slow')).toEqual([1, 1]);
  expect(ground.store.get('eager').value).toBe(6);
  await victim[Symbol.asyncDispose]().catch(() => undefined);
  await mirror[Symbol.asyncDispose]().catch(() => undefined);
}, 60_000);

test('a successor finds no degradation in windows that are empty, or its first, and one in those that are worse than its own', async () => {
  await using ground = await open();
  const before = script(0.9, 0.9, 0.9);
  await watching(ground, before.next, before.over);
  const after = script(undefined, undefined, 0.75, undefined, 0.75, 0.75);
  await watching(ground, after.next, async () => {
    await after.over();
    expect(await triggers(ground)).toEqual([]);
    expect(acted(ground, 'eager', 'slow', 'grown')).toEqual([0, 0, 0]);
    // One bad window says nothing yet, also beside an empty one.
    after.more(0.5, undefined);
    await after.over();
    expect(await triggers(ground)).toEqual([]);
    after.more(0.5);
    await after.over();
    expect(await triggers(ground)).toEqual(['performance-degradation']);
  });
  // The next one begins in the midst of it, and has nothing to compare it with.
  const last = script(0.5, 0.5, 0.5);
  await watching(ground, last.next, last.over);
  expect(await triggers(ground)).toEqual(['performance-degradation']);
}, 60_000);

test('what agents proposed to a leader that is gone counts for nobody, and what they propose to the next one once', async () => {
  await using ground = await open();
  const events = openEvents(ground.bus, ground.space);
  const propose = (agent: string, value: number): Promise<unknown> =>
    events.publish('proposal', 'grown', 'made', { agent, value, reward: 1 });
  const never = script();
  await watching({ ...ground, windowMs: 60_000 }, never.next, async () => {
    await propose('a', 9);
    await ground.bus.flush();
  });
  const after = script(0.9, 0.9, 0.9);
  await watching(ground, after.next, async () => {
    await after.over();
    expect(acted(ground, 'grown')).toEqual([0]);
    const isMoved = async (): Promise<boolean> => {
      // A window without a figure to it takes nothing, so there is one for each look.
      await propose('b', 2);
      after.more(0.9);
      await after.over();
      return acted(ground, 'grown')[0] === 1;
    };
    await waitFor(isMoved, { what: 'it is moved by what the new leader has heard', timeoutMs: 10_000 });
    await propose('b', 7);
    after.more(0.9, 0.9);
    await after.over();
  });
  expect(acted(ground, 'grown')).toEqual([1]);
  expect(ground.store.get('grown').value).toBe(2);
}, 60_000);

test('a leader whose office was taken meanwhile changes nothing by what it still sees', async () => {
  await using ground = await open();
  const { bucket } = spaceNames(ground.space);
  const before = script(0.4);
  await watching(ground, before.next, async () => {
    await before.over();
    const leader = await readKey(ground.bus, bucket, 'leader');
    const body = { v: 1, process: 'thief', pid: 1, host: 'test' };
    await commitBatch(ground.bus, bucket, [{ key: 'leader', body, expect: leader?.revision ?? 0 }]);
    // It wishes to act by the second, and finds out; there is no third window for it.
    before.more(0.4, 0.4, 0.4, 0.4);
    await waitFor(() => before.left() < 4, { what: 'it has seen the second bad window' });
  });
  expect(before.left()).toBeGreaterThan(0);
  expect(acted(ground, 'eager', 'slow', 'grown')).toEqual([0, 0, 0]);
  const after = script(0.4, 0.4);
  await watching(ground, after.next, async () => {
    await after.over();
    await waitFor(() => acted(ground, 'eager')[0] === 1, { what: 'the next leader acts' });
  });
  expect(acted(ground, 'eager')).toEqual([1]);
}, 60_000);
