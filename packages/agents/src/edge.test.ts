import { fc, test } from '@fast-check/vitest';
import { subjects } from '@mabeam/bus';
import { describe, expect, it } from 'vitest';
import { assertHops, edgeHeaders, edgeSubject, hopLimit, parseEdge } from './edge.ts';

const at = subjects('desk');
const received = (pairs: Record<string, string>): ReturnType<typeof parseEdge> =>
  parseEdge({
    subject: edgeSubject(at, 'words', 'judge', 'data'),
    headers: new Map(Object.entries(pairs).map(([name, value]) => [name.toLowerCase(), value])),
  });

describe('what goes along an edge', () => {
  it('comes out as it went in, and says nothing that is not so', () => {
    const meta = { epoch: 7, revision: 12, hops: 3, traceparent: '00-a-b-01' };
    expect(received(edgeHeaders(meta))).toEqual({ from: 'words', to: 'judge', ...meta });
    expect(edgeHeaders({ hops: 0 })).toEqual({ 'Content-Type': 'application/json' });
    expect(received({})).toMatchObject({ epoch: undefined, hops: 0 });
  });

  it.each(['Mabeam-Epoch', 'Mabeam-Revision', 'Mabeam-Hops'])(
    '%s that is no whole number makes no sense',
    (name) => {
      for (const wrong of ['-1', '1.5', 'x', '', '1e99']) expect(received({ [name]: wrong })).toBeUndefined();
    },
  );

  it('a name that is no token never becomes a subject', () => {
    expect(() => edgeSubject(at, 'a.b', 'judge', 'data')).toThrow(
      expect.objectContaining({ code: 'invalid-id' }),
    );
    expect(() => edgeSubject(at, 'a', '*', 'data')).toThrow(expect.objectContaining({ code: 'invalid-id' }));
    expect(edgeSubject(at, '*', 'judge', 'feedback')).toBe('mabeam.desk.edge.*.judge.feedback');
  });

  it('goes over as many edges as the limit says and over no more', () => {
    expect(() => assertHops(hopLimit - 1, 'a', 'b')).not.toThrow();
    expect(() => assertHops(hopLimit, 'a', 'b')).toThrow(expect.objectContaining({ code: 'hop-limit' }));
  });

  test.prop([fc.string(), fc.dictionary(fc.constantFrom('mabeam-epoch', 'mabeam-hops', 'x'), fc.string())])(
    'whatever the subject and the headers are, what is read has whole numbers',
    (subject, headers) => {
      const read = parseEdge({ subject, headers: new Map(Object.entries(headers)) });
      if (read === undefined) return;
      expect(Number.isSafeInteger(read.hops)).toBe(true);
      expect(read.epoch === undefined || read.epoch >= 0).toBe(true);
    },
  );
});
