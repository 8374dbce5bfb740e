import { describe, expect, it } from 'vitest';
import { accusedIn, dischargeOf, doesAgree } from './discharge.ts';
import { freshRecord, noteAudit, type TrackRecord } from './track-record.ts';

/** Thirty audits of each label: who is right is always right, who is wrong always wrong. */
function recordOf({
  right,
  wrong,
}: {
  readonly right: readonly string[];
  readonly wrong: readonly string[];
}) {
  let record: TrackRecord = freshRecord();
  for (let n = 0; n < 60; n += 1) {
    const label = n % 2 === 0 ? 'ham' : 'spam';
    const truly = label === 'spam' ? 0.9 : 0.1;
    const opinions = Object.fromEntries([
      ...right.map((member) => [member, truly] as const),
      ...wrong.map((member) => [member, 1 - truly] as const),
    ]);
    record = noteAudit(record, { label, opinions });
  }
  return record;
}

const bench = ['links', 'style', 'contrary'];
const record = recordOf({ right: ['links', 'style'], wrong: ['contrary'] });
const change = dischargeOf(record, bench, 'contrary');

describe('who is accused', () => {
  it('the one that is proven wrong, of several one, and nobody of a bench that is right', () => {
    expect(accusedIn(record, bench, 2)).toBe('contrary');
    expect(accusedIn(recordOf({ right: ['a'], wrong: ['c', 'b'] }), ['a', 'b', 'c'], 1)).toBe('b');
    expect(accusedIn(recordOf({ right: bench, wrong: [] }), bench, 2)).toBeUndefined();
    expect(accusedIn(freshRecord(), bench, 2)).toBeUndefined();
  });

  it('nobody whose leaving would make the bench too small, and nobody who is not on it', () => {
    expect(accusedIn(record, bench, 3)).toBeUndefined();
    expect(accusedIn(record, ['links', 'style'], 1)).toBeUndefined();
  });
});

describe('a vote about a discharge', () => {
  const juror = { agent: 'links', record, bench };

  it('is yes of one whose own record says the same, in whatever order it knows the bench', () => {
    expect(change).toMatchObject({ variable: 'specialists', from: bench, to: ['links', 'style'] });
    expect(doesAgree(change, juror)).toBe(true);
    expect(doesAgree(change, { ...juror, bench: bench.toReversed() })).toBe(true);
  });

  it('is no of the accused itself', () => {
    expect(doesAgree(change, { ...juror, agent: 'contrary' })).toBe(false);
  });

  it.each([
    ['one that is right is to leave', { ...change, to: ['links', 'contrary'] }],
    ['two are to leave', { ...change, to: ['links'] }],
    ['somebody is exchanged', { ...change, to: ['links', 'style', 'words'] }],
    ['the bench was another', { ...change, from: [...bench, 'words'], to: ['links', 'style', 'words'] }],
    ['it is about another variable', { ...change, variable: 'wiring' }],
    ['it is about no bench', { ...change, from: 'links', to: 'style' }],
    ['nothing is proposed', undefined],
  ])('is no where %s', (_, proposed) => {
    expect(doesAgree(proposed, juror)).toBe(false);
  });

  it('is no of one that has not seen enough itself', () => {
    expect(doesAgree(change, { ...juror, record: freshRecord() })).toBe(false);
  });
});
