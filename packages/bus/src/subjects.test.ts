import { fc, it } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { isId, parseId } from './ids.ts';
import { spaceNames } from './space-names.ts';
import { nodesBucket } from './streams.ts';
import { parseSubject, subjects } from './subjects.ts';

describe('subjects', () => {
  const at = subjects('desk');

  it('position is meaning: product, space, class, noun, id, verb', () => {
    expect(at.askAgent('judge')).toBe('mabeam.desk.ask.agent.judge');
    expect(at.event('agent', 'judge', 'failed')).toBe('mabeam.desk.event.agent.judge.failed');
    expect(at.outcome('mail-1', 'reader', 'completed')).toBe(
      'mabeam.desk.event.task.mail-1.reader.completed',
    );
    expect(at.command('variable', 'words.smoothing', 'set')).toBe(
      'mabeam.desk.command.variable.words.smoothing.set',
    );
  });

  it('an outcome has one token more than an event, so that no two streams overlap', () => {
    const lengths = [at.event('task', 'x', 'done'), at.outcome('x', 'a', 'failed')].map(
      (subject) => subject.split('.').length,
    );
    expect(lengths).toEqual([6, 7]);
  });

  it.prop([fc.string()])('what is no id never becomes a token', (text) => {
    if (isId(text)) expect(at.askAgent(text)).toBe(`mabeam.desk.ask.agent.${text}`);
    else if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(text))
      expect(() => at.askAgent(text)).toThrow(expect.objectContaining({ code: 'invalid-id' }));
  });

  it('reserved words and wildcards are refused as space ids', () => {
    for (const id of [
      'space',
      'orchestrator',
      'nodes',
      'desk-leases',
      'desk-outcomes',
      'desk-logs',
      '*',
      '>',
      'a.b',
      'A',
      '',
      'x'.repeat(64),
    ]) {
      expect(() => parseId('space', id)).toThrow(expect.objectContaining({ code: 'invalid-id' }));
    }
  });

  it('no space may be called like a stream or bucket of another', () => {
    const { bucket, ...others } = spaceNames('desk');
    expect(parseId('space', bucket.replace('mabeam-', ''))).toBe('desk');
    for (const name of [...Object.values(others), nodesBucket])
      expect(() => parseId('space', name.replace('mabeam-', ''))).toThrow(/is reserved/);
  });

  it('a subject is taken apart again, and a stranger is recognised', () => {
    expect(parseSubject('mabeam.desk.trigger.quality-low')).toEqual({
      space: 'desk',
      class: 'trigger',
      rest: ['quality-low'],
    });
    expect(parseSubject('$JS.API.INFO')).toBeUndefined();
  });
});
