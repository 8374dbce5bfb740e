import { describe, expect, it } from 'vitest';
import type { Label } from './mail-entry.ts';
import { freshRecord, isKnown, isProvenWrong, noteAudit, standingOf, weightOf } from './track-record.ts';

/** A record of so many audits of each label, of which a member was right on so many. */
function recordOf(rights: Readonly<Record<string, number>>, each: number) {
  let record = freshRecord();
  for (const label of ['ham', 'spam'] satisfies Label[]) {
    for (let n = 0; n < each; n += 1) {
      const opinions = Object.fromEntries(
        Object.entries(rights).map(([member, right]) => [
          member,
          n < right === (label === 'spam') ? 0.9 : 0.1,
        ]),
      );
      record = noteAudit(record, { label, opinions });
    }
  }
  return record;
}

describe('the record of a bench', () => {
  it('a member that is always wrong is proven wrong after ten mails of each label, and not before', () => {
    expect(isProvenWrong(recordOf({ a: 0 }, 9), 'a')).toBe(false);
    expect(isProvenWrong(recordOf({ a: 0 }, 10), 'a')).toBe(true);
  });

  it('a member that is as good as a coin, or a little worse, is not proven wrong', () => {
    const record = recordOf({ coin: 15, unlucky: 10, wrong: 6 }, 30);
    expect(['coin', 'unlucky', 'wrong'].filter((member) => isProvenWrong(record, member))).toEqual(['wrong']);
  });

  it('a member that is right on one label only is no worse than a coin', () => {
    let record = freshRecord();
    for (const label of ['ham', 'spam'] satisfies Label[])
      for (let n = 0; n < 30; n += 1) record = noteAudit(record, { label, opinions: { a: 0.01 } });
    expect(standingOf(record, 'a')?.accuracy).toBe(0.5);
    expect(isProvenWrong(record, 'a')).toBe(false);
  });

  it('what was long ago is forgotten', () => {
    let record = recordOf({ a: 0 }, 30);
    for (const label of ['ham', 'spam'] satisfies Label[])
      for (let n = 0; n < 30; n += 1)
        record = noteAudit(record, { label, opinions: { a: label === 'spam' ? 0.9 : 0.1 } });
    expect(isProvenWrong(record, 'a')).toBe(false);
    expect(weightOf(record, 'a')).toBeGreaterThan(0.9);
  });

  it('who abstained, and an audit without opinions, change nothing', () => {
    const record = recordOf({ a: 5 }, 10);
    expect(noteAudit(record, { label: 'ham' })).toEqual(record);
    expect(standingOf(noteAudit(record, { label: 'ham', opinions: { b: 0.2 } }), 'a')).toEqual(
      standingOf(record, 'a'),
    );
  });

  it('the word of one that is right weighs more than that of one nobody knows, and that more than that of one that is wrong', () => {
    const record = recordOf({ right: 28, wrong: 3 }, 30);
    expect(isKnown(record, 'stranger')).toBe(false);
    const weights = ['right', 'stranger', 'wrong'].map((member) => weightOf(record, member));
    expect(weights).toEqual(weights.toSorted((a, b) => b - a));
    expect(new Set(weights).size).toBe(3);
    expect(weights.at(-1)).toBeGreaterThan(0);
  });
});
