/** Rules by event, over a real server and across leaders: what they answer, once each, and what leaves no trace. */
import { openEvents, parseJson, readKey, spaceNames, type Events } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answeredKey } from '../src/adaptation/event-rules.ts';
import type { AdaptationStory } from '../src/history/explain.ts';
import { findTrigger } from '../src/history/read-material.ts';
import { identityHash } from '../src/adaptation/trigger.ts';
import { openStage, type RunningOrchestrator, type Stage } from './stage.ts';

const definition = `
space: SPACE
agents:
  words: { command: ['true'] }
variables:
  poor: { kind: custom, initial: 0, domain: { min: 0, max: 1000, step: 1 } }
  cloud: { kind: custom, initial: 0, domain: { min: 0, max: 1000, step: 1 } }
  level: { kind: custom, initial: 5, domain: { min: 0, max: 9, step: 1 } }
  team: { kind: agent-selection, agents: [words], initial: [] }
rules:
  poor: { on: { event: mail.scored }, where: { score: { below: 0.5 } }, adapt: poor, by: { increase: 1 }, cooldownMs: 0 }
  cloud: { on: { event: 'probe.*.seen' }, where: { ce.type: wanted, n: { atLeast: 2 } }, adapt: cloud, by: { increase: 1 }, cooldownMs: 0 }
  up: { on: { trigger: up }, adapt: level, by: { increase: 1 }, cooldownMs: 0 }
  down: { on: { event: level.lowered }, adapt: level, by: { decrease: 1 }, cooldownMs: 0 }
`;

let stage: Stage;
let events: Events;
let first: RunningOrchestrator;

beforeAll(async () => {
  stage = await openStage(definition);
  events = openEvents(stage.bus, stage.space);
  await events.publish('mail', 'too-early', 'scored', { score: 0 });
  first = stage.startOrchestrator('first');
  await place();
}, 60_000);

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
}, 60_000);

/** Up to which event the leader says it has answered. */
function place(): Promise<number> {
  const read = async (): Promise<number | undefined> => {
    const entry = await readKey(stage.bus, spaceNames(stage.space).bucket, answeredKey);
    return entry?.operation === 'put' ? Number(Object(parseJson(entry.data)).sequence) : undefined;
  };
  return waitFor(read, { what: 'the leader reads events', timeoutMs: 10_000 });
}

const isAt = (variable: string, value: number): Promise<unknown> =>
  waitFor(() => stage.store.get(variable).value === value, {
    what: `${variable} is ${value}`,
    timeoutMs: 15_000,
  });

/** Answered once the marker, which comes after it in the same stream, is. */
async function afterAllEvents(): Promise<void> {
  const before = Number(stage.store.get('poor').value);
  await events.publish('mail', 'marker', 'scored', { score: 0 });
  await isAt('poor', before + 1);
}

const records = () => [...stage.mirror.state.adaptations.values()].map(({ record }) => record);

describe('a rule by event', () => {
  test('answers what its conditions hold for, and nothing from before it was known', async () => {
    await events.publish('mail', 'm1', 'scored', { score: 0.4 });
    await events.publish('mail', 'm2', 'scored', { score: 0.6 });
    await events.publish('mail', 'm3', 'opened', { score: 0.1 });
    await isAt('poor', 1);
    await afterAllEvents();
    expect(stage.store.get('poor').value).toBe(2);
    const names = records().map(({ trigger }) => trigger);
    expect(names).toEqual(expect.arrayContaining(['mail.m1.scored', 'mail.marker.scored']));
    expect(names).not.toContain('mail.m2.scored');
  });

  test('can be explained: the event it answered is found again', async () => {
    const hash = identityHash({ source: 'event.mail.scored:', id: 'why' });
    await events.publish('mail', 'm9', 'scored', { id: 'why', score: 0.2 });
    const record = await waitFor(() => stage.record(hash), { what: 'the event is answered' });
    // Of the story only its hash and record are looked at.
    const found = await findTrigger(stage, { hash, record: { ...record } } as unknown as AdaptationStory);
    expect(found).toMatchObject({ name: 'mail.m9.scored', id: 'why', body: { score: 0.2 } });
  });

  test('acts once for one identity, however often it comes', async () => {
    const before = Number(stage.store.get('poor').value);
    for (let i = 0; i < 5; i++) await events.publish('mail', 'again', 'scored', { id: 'one', score: 0.1 });
    await events.publish('mail', 'other', 'scored', { id: 'two', score: 0.1 });
    await isAt('poor', before + 2);
    await afterAllEvents();
    expect(stage.store.get('poor').value).toBe(before + 3);
  });

  test('reads CloudEvents in both modes, once for one source and id', async () => {
    const attributes = { specversion: '1.0', type: 'wanted', source: '/probe', id: 'c1' };
    await events.publish('probe', 'p', 'seen', { ...attributes, data: { n: 2 } });
    const headers = { 'ce-specversion': '1.0', 'ce-type': 'wanted', 'ce-source': '/probe' };
    await events.publish('probe', 'p', 'seen', { n: 2 }, { headers: { ...headers, 'ce-id': 'c1' } });
    await events.publish('probe', 'p', 'seen', { n: 2 }, { headers: { ...headers, 'ce-id': 'c2' } });
    await events.publish('probe', 'p', 'seen', { n: 1 }, { headers: { ...headers, 'ce-id': 'c3' } });
    await events.publish('probe', 'p', 'seen', { n: 2 });
    await isAt('cloud', 2);
    await afterAllEvents();
    expect(stage.store.get('cloud').value).toBe(2);
  });

  test('does not swing a variable to and fro with another rule', async () => {
    const swings = 8;
    for (let i = 0; i < swings; i++) {
      if (i % 2 === 0) await events.trigger('up', { id: `up-${i}` });
      else await events.publish('level', 'x', 'lowered', {});
    }
    await afterAllEvents();
    const ofTriggers = () => records().filter(({ trigger }) => trigger === 'up');
    await waitFor(() => ofTriggers().length === swings / 2, { what: 'all triggers are answered' });
    const moved = records().filter(({ changes }) => changes.some(({ variable }) => variable === 'level'));
    // The holds before so many turns add up to more than a minute.
    expect(moved.length).toBeLessThan(swings);
  });

  test('while the space is frozen does nothing, and nothing afterwards of what came meanwhile', async () => {
    const before = Number(stage.store.get('poor').value);
    await stage.store.freeze({ by: 'test', reason: 'a look' });
    await events.publish('mail', 'frozen', 'scored', { score: 0 });
    await waitFor(() => stage.mirror.freeze !== undefined, { what: 'the freeze is seen' });
    await stage.store.unfreeze({ by: 'test' });
    await afterAllEvents();
    expect(stage.store.get('poor').value).toBe(before + 1);
  });

  test('answers every event once across leaders that come and go', async () => {
    const before = Number(stage.store.get('poor').value);
    const count = process.env['MABEAM_LONG'] === '1' ? 200 : 40;
    let leader = first;
    for (let i = 0; i < count; i++) {
      await events.publish('mail', `n${i}`, 'scored', { score: 0.1 });
      if (i % 15 !== 14) continue;
      const successor = stage.startOrchestrator(`next-${i}`);
      await leader.stop();
      leader = successor;
    }
    await isAt('poor', before + count);
    await afterAllEvents();
    expect(stage.store.get('poor').value).toBe(before + count + 1);
  }, 60_000);
});
