import { expect, test } from 'vitest';
import { strategyNamed, strategyNames } from '../negotiation/strategies.ts';
import { endWith, type Strategy } from '../negotiation/strategy.ts';
import type { TermOptions } from '../negotiation/terms.ts';
import { negotiationConformance, type NegotiationConformanceOptions } from './negotiation.ts';

const runs = process.env['MABEAM_LONG'] === '1' ? 2_000 : 40;

const others: readonly (readonly [string, TermOptions])[] = [
  ['second-price', { auction: { form: 'second-price', reserve: 0.4 } }],
  ['english', { auction: { form: 'english' } }],
  ['dutch', { auction: { form: 'dutch' } }],
  ['combinatorial, exact', { auction: { form: 'combinatorial' } }],
  ['combinatorial, greedy', { auction: { form: 'combinatorial', exactUpTo: 0 } }],
];

for (const name of strategyNames)
  for (const { name: sentence, run } of negotiationConformance(strategyNamed(name), { runs }))
    test(sentence, () => expect(run).not.toThrow());

for (const [form, terms] of others)
  for (const { name, run } of negotiationConformance(strategyNamed('auction'), { runs, terms }))
    test(`${form}: ${name}`, () => expect(run).not.toThrow());

/** The names of the cases that a strategy breaks. */
function broken(strategy: Strategy, options: NegotiationConformanceOptions = {}): readonly string[] {
  return negotiationConformance(strategy, options).flatMap(({ name, run }) => {
    try {
      run();
      return [];
    } catch {
      return [name.replace('own: ', '')];
    }
  });
}

function own(settle: Strategy['settle']): Strategy {
  return { name: 'own', opening: 'prefer', isReady: () => true, settle };
}

test('the suite tells a strategy that takes whoever comes first', () => {
  const first = own((positions) =>
    endWith({ kind: 'agreed', value: positions[0]?.preferred ?? 0, rounds: 0 }),
  );
  expect(broken(first)).toEqual([
    'the order of the positions changes nothing',
    'what is agreed on lies in the range, and is JSON',
    'nothing is agreed on where no value is allowed',
  ]);
});

test('the suite tells a strategy that waits for a silent party for ever', () => {
  const waits = own(function* wait(positions) {
    const asked = positions.map(
      ({ party, preferred = 0 }) =>
        ({
          to: party,
          question: { phase: 'react', number: 1, proposal: preferred, own: preferred, others: [] },
          usual: { kind: 'accept' },
        }) as const,
    );
    while ((yield asked).size < asked.length);
    return { kind: 'no-feasible-value' };
  });
  expect(broken(waits)).toContain('a party that never answers does not stop it');
});
