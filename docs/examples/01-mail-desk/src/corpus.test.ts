import { fc, test } from '@fast-check/vitest';
import { isToken } from '@mabeam/bus';
import { describe, expect, it } from 'vitest';
import { limitPhases, openCorpus } from './corpus.ts';
import type { MailEntry } from './mail-entry.ts';
import { readMail } from './mail-entry.ts';

describe('openCorpus', () => {
  it('lists all 6,046 mails of the built-in corpus in two phases with ids that are tokens', async () => {
    const { phases } = await openCorpus({ seed: 1 });
    expect(phases.map(({ name, entries }) => [name, entries.length])).toEqual([
      ['familiar mail', 3_000],
      ['a new kind of mail', 3_046],
    ]);
    const ids = phases.flatMap(({ entries }) => entries.map(({ id }) => id));
    expect(new Set(ids).size).toBe(6_046);
    expect(ids.every(isToken)).toBe(true);
    expect(ids).toContain('easy-ham-1-00001');
  });

  it('labels by group and keeps the groups of the phases apart', async () => {
    const { phases } = await openCorpus({ seed: 1 });
    const kinds = phases.map(({ entries }) =>
      [...new Set(entries.map(({ group, label }) => `${group}: ${label}`))].sort(),
    );
    expect(kinds).toEqual([
      ['easy-ham-1: ham', 'spam-1: spam'],
      ['easy-ham-2: ham', 'hard-ham-1: ham', 'spam-2: spam'],
    ]);
  });

  it('orders the mails by the seed', async () => {
    const order = async (seed: number) =>
      (await openCorpus({ seed, limit: 40 })).phases.map(({ entries }) => entries.map(({ id }) => id));
    expect(await order(1)).toEqual(await order(1));
    expect(await order(1)).not.toEqual(await order(2));
  });

  it('reads a mail with the bytes that once arrived', async () => {
    const { phases } = await openCorpus({ seed: 1 });
    const entry = phases[0]?.entries.find(({ id }) => id === 'easy-ham-1-00001');
    const mail = await readMail(entry!);
    expect(Buffer.from(mail.raw).toString('latin1', 0, 40)).toContain('From exmh-workers-admin@redhat.com');
    expect(mail).toMatchObject({ id: 'easy-ham-1-00001', label: 'ham', group: 'easy-ham-1' });
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses %d as a limit', async (limit) => {
    await expect(openCorpus({ seed: 1, limit })).rejects.toMatchObject({ code: 'limit-invalid', exit: 2 });
  });
});

describe('limitPhases', () => {
  const entry: MailEntry = { id: 'a', group: 'g', content: { kind: 'inline', raw: '' } };
  const size = fc.integer({ min: 1, max: 60 });

  test.prop([fc.array(size, { minLength: 1, maxLength: 4 }), size])(
    'keeps as many mails as asked for, each phase its share',
    (sizes, limit) => {
      const phases = sizes.map((length) => ({ name: 'p', entries: Array.from({ length }, () => entry) }));
      const total = sizes.reduce((sum, length) => sum + length, 0);
      const kept = limitPhases(phases, limit).map(({ entries }) => entries.length);
      expect(kept.reduce((sum, length) => sum + length, 0)).toBe(Math.min(limit, total));
      for (const [at, length] of kept.entries()) {
        expect(Math.abs(length - (Math.min(limit, total) * (sizes[at] ?? 0)) / total)).toBeLessThanOrEqual(1);
      }
    },
  );
});
