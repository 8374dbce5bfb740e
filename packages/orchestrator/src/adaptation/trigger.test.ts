import { describe, expect, test } from 'vitest';
import { identityHash, readEvent, readTrigger } from './trigger.ts';

function message(body: string | Uint8Array, headers: Record<string, string> = {}, sequence = 7) {
  const data = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  return {
    subject: 'mabeam.desk.trigger.quality-low',
    sequence,
    data,
    headers: new Map(Object.entries(headers)),
  };
}

describe('the identity of a trigger', () => {
  test('plain JSON with an id and no source is identified by its id', () => {
    expect(readTrigger(message('{"id":"a"}'))).toMatchObject({ kind: 'trigger', source: '', id: 'a' });
  });
  test('plain JSON with id and source is identified by both', () => {
    const read = readTrigger(message('{"id":12,"source":"auditor","score":0.4}'));
    expect(read).toMatchObject({ source: 'auditor', id: '12', body: { score: 0.4 } });
  });
  test('without an id the stream and its sequence identify it', () => {
    expect(readTrigger(message('{"score":1}', {}, 41))).toMatchObject({ source: 'stream', id: '41' });
    expect(readTrigger(message('', {}, 42))).toMatchObject({ kind: 'trigger', source: 'stream', id: '42' });
    expect(readTrigger(message('[1]', {}, 43))).toMatchObject({ source: 'stream', id: '43', body: [1] });
  });
  test('a structured CloudEvent is identified by its source and id, and its data is the body', () => {
    const event = { specversion: '1.0', type: 't', source: '/me', id: '9', data: { n: 1 } };
    const read = readTrigger(
      message(JSON.stringify(event), { 'content-type': 'application/cloudevents+json' }),
    );
    expect(read).toMatchObject({ source: '/me', id: '9', body: { n: 1 } });
  });
  test('a binary CloudEvent is identified by its headers, whatever its body is', () => {
    const headers = { 'ce-specversion': '1.0', 'ce-source': '/me', 'ce-id': '9' };
    expect(readTrigger(message('not json', headers))).toMatchObject({
      kind: 'trigger',
      source: '/me',
      id: '9',
    });
  });
  test('the same identity in another form has the same hash, another identity another one', () => {
    const plain = readTrigger(message('{"id":"9","source":"/me"}'));
    const event = readTrigger(message('{"specversion":"1.0","id":"9","source":"/me"}'));
    expect(identityHash(plain)).toBe(identityHash(event));
    expect(identityHash(plain)).toMatch(/^[0-9a-f]{32}$/);
    expect(identityHash({ source: 'a', id: 'b' })).not.toBe(identityHash({ source: 'b', id: 'a' }));
  });
  test('a traceparent is taken from the header, or from the CloudEvent', () => {
    const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    expect(readTrigger(message('{}', { traceparent: parent })).traceparent).toBe(parent);
    const event = JSON.stringify({ specversion: '1.0', id: '1', source: 's', traceparent: parent });
    expect(readTrigger(message(event)).traceparent).toBe(parent);
  });
});

test("a name with dots stays whole, so that it is no rule's by its last word", () => {
  const dotted = { ...message('{}'), subject: 'mabeam.desk.trigger.a.quality-low' };
  expect(readTrigger(dotted).name).toBe('a.quality-low');
});

describe('a malformed trigger', () => {
  const cases = [
    ['broken JSON', message('{"id":')],
    ['bytes that are not UTF-8', message(new Uint8Array([0xff, 0xfe, 0x01]))],
    ['an id that is an object', message('{"id":{}}')],
    ['an id that is too long', message(JSON.stringify({ id: 'x'.repeat(1025) }))],
    ['an empty id', message('{"id":""}')],
    ['a source that is a number', message('{"id":"a","source":4}')],
    ['a structured CloudEvent without a source', message('{"specversion":"1.0","id":"a"}')],
    ['a binary CloudEvent without an id', message('{}', { 'ce-specversion': '1.0', 'ce-source': 's' })],
  ] as const;
  test.each(cases)('%s is a value with a reason, identified by its sequence', (_, given) => {
    const read = readTrigger(given);
    expect(read).toMatchObject({ kind: 'malformed', source: 'stream', id: '7', name: 'quality-low' });
    expect(read.kind === 'malformed' && read.reason).toBeTruthy();
  });
});

describe('an event that rules answer', () => {
  const scored = { ...message('{"id":"m1","score":0.4}'), subject: 'mabeam.desk.event.mail.m1.scored' };

  test('is called by its noun, id and verb, and has an identity of its own', () => {
    expect(readEvent(scored)).toMatchObject({
      name: 'mail.m1.scored',
      source: 'event.mail.scored:',
      id: 'm1',
      body: { score: 0.4 },
    });
    const trigger = readTrigger(message('{"id":"m1","score":0.4}'));
    expect(identityHash(readEvent(scored))).not.toBe(identityHash(trigger));
    const opened = { ...scored, subject: 'mabeam.desk.event.mail.m1.opened' };
    expect(identityHash(readEvent(scored))).not.toBe(identityHash(readEvent(opened)));
  });
  test.each([
    ['without an id', message('{"score":1}', {}, 41), { score: 1 }],
    ['with a broken id', message('{"id":{},"score":1}', {}, 41), { id: {}, score: 1 }],
    ['that is no JSON', message('score 1', {}, 41), new TextEncoder().encode('score 1')],
  ])('%s is known by its sequence, and is not malformed', (_, given, body) => {
    const event = readEvent({ ...given, subject: scored.subject });
    expect(event).toMatchObject({ source: 'event.mail.scored:stream', id: '41' });
    expect(event.body).toEqual(body);
  });
  test('that is a CloudEvent has its attributes beside its data, in either mode', () => {
    const structured = { specversion: '1.0', type: 't', source: '/me', id: '9', data: { n: 1 } };
    expect(readEvent({ ...message(JSON.stringify(structured)), subject: scored.subject })).toMatchObject({
      source: 'event.mail.scored:/me',
      attributes: { type: 't', source: '/me', id: '9' },
      body: { n: 1 },
    });
    const headers = { 'ce-specversion': '1.0', 'ce-source': '/me', 'ce-id': '9', 'ce-type': 't' };
    expect(readEvent({ ...message('{"n":1}', headers), subject: scored.subject })).toMatchObject({
      attributes: { type: 't', source: '/me' },
      body: { n: 1 },
    });
  });
});
