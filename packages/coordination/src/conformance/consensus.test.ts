import { expect, test } from 'vitest';
import { voteAlgorithms, type CountingRule, type Standing } from '../consensus/paper.ts';
import { twoThirds } from '../../test/two-thirds.ts';
import { voteConformance } from './consensus.ts';

const runs = process.env['MABEAM_LONG'] === '1' ? 20_000 : 400;

for (const rule of [...voteAlgorithms, twoThirds])
  for (const { name, run } of voteConformance(rule, { runs })) test(name, () => expect(run).not.toThrow());

/** The names of the cases that a rule breaks. */
function broken(standing: CountingRule['standing']): readonly string[] {
  return voteConformance({ name: 'own', standing }).flatMap(({ name, run }) => {
    try {
      run();
      return [];
    } catch {
      return [name.replace('own: ', '')];
    }
  });
}

const open: Standing = { kind: 'open' };

test('the suite tells a rule by which those who are silent agree', () => {
  const silenceIsConsent = broken(({ electorate }, { votes }) => {
    const noes = electorate.filter(({ party }) => votes.get(party) === null).length;
    return 2 * noes < electorate.length ? { kind: 'accepted', accepted: 0 } : { kind: 'rejected' };
  });
  expect(silenceIsConsent).toContain('accepts only what is on the paper, and what somebody voted for');
});

test('the suite tells a rule that counts only those who vote', () => {
  const ofThoseWhoVote = broken(({ alternatives, electorate }, { votes, silent = new Set() }) => {
    const cast = electorate.flatMap(({ party }) => (votes.has(party) ? [votes.get(party)] : []));
    if (electorate.some(({ party }) => !votes.has(party) && !silent.has(party))) return open;
    const accepted = alternatives.findIndex(
      (_, i) => 2 * cast.filter((vote) => vote === i).length > cast.length,
    );
    return accepted < 0 ? { kind: 'hopeless' } : { kind: 'accepted', accepted };
  });
  expect(ofThoseWhoVote).toEqual(['takes silence neither for consent nor for refusal']);
});

test('the suite tells a rule by which whoever comes first decides', () => {
  const first = broken((_, { votes }) => {
    const [choice] = [...votes.values()];
    return typeof choice === 'number' ? { kind: 'accepted', accepted: choice } : open;
  });
  expect(first).toContain('does not care for the order of parties and votes');
  expect(first).toContain('counts no stranger');
  expect(first).toContain('leaves nothing open when nobody is left to ask');
});

test('the suite tells a rule that takes what leads so far', () => {
  const leading = broken(({ alternatives, electorate }, { votes }) => {
    const support = alternatives.map(
      (_, i) => electorate.filter(({ party }) => votes.get(party) === i).length,
    );
    const most = Math.max(...support);
    return most === 0 ? { kind: 'hopeless' } : { kind: 'accepted', accepted: support.indexOf(most) };
  });
  expect(leading).toContain('keeps a decision whatever votes follow');
  expect(leading).toContain('gives up only what no vote that is awaited could save');
});

test('the suite tells a rule that decides by the noes, and one that never does', () => {
  expect(broken(() => ({ kind: 'hopeless' }))).toContain('accepts what everybody votes for');
  const noToYes = broken(({ electorate }, { votes }) =>
    electorate.every(({ party }) => votes.get(party) === null) ? { kind: 'accepted', accepted: 0 } : open,
  );
  expect(noToYes).toContain('accepts only what is on the paper, and what somebody voted for');
});
