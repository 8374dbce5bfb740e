import { describe, expect, it } from 'vitest';
import { agreementsOf, renderAgreement } from './rounds.ts';

const common = { electorate: ['contrary', 'links', 'style'], by: 'chair', startedAt: 'a', endedAt: 'b' };
const negotiation = {
  ...common,
  round: 'threshold-9',
  protocol: 'negotiation',
  subject: 'threshold',
  outcome: {
    kind: 'agreed',
    value: 0.56,
    positions: [
      { party: 'links', preferred: 0.5012, weight: 0.5 },
      { party: 'style', preferred: 0.62, weight: 0.9 },
    ],
  },
};
const discharge = {
  kind: 'change',
  variable: 'specialists',
  from: ['links', 'style', 'contrary'],
  to: ['links', 'style'],
  reason: 'contrary was right on 20 %',
};
const vote = {
  ...common,
  round: 'discharge-contrary-7',
  protocol: 'consensus',
  subject: 'specialists',
  outcome: { kind: 'agreed', value: discharge, votes: { style: 0, links: 0, contrary: null } },
};
const records = [
  { trigger: 'round.discharge-contrary-7.ended', changes: [], revision: 12 },
  {
    trigger: 'round.discharge-contrary-7.ended',
    changes: [{ rule: 'agreed-bench', variable: 'specialists', from: [], to: [] }],
    revision: 14,
  },
];

describe('what the specialists agreed on', () => {
  const agreements = agreementsOf([negotiation, vote], records);

  it('a negotiation is one line: the value, and what each wanted', () => {
    const [first] = agreements;
    expect(first).toMatchObject({ kind: 'negotiation', value: 0.56, revision: null });
    expect(first === undefined ? '' : renderAgreement(first)).toBe(
      'negotiated: threshold 0.56 (links 0.5, style 0.62); round threshold-9',
    );
  });

  it('a vote is one line: who went, by how many of whom, why, and the revision it led to', () => {
    const second = agreements[1];
    expect(second).toMatchObject({
      kind: 'vote',
      leaving: ['contrary'],
      ayes: ['links', 'style'],
      revision: 14,
    });
    expect(second === undefined ? '' : renderAgreement(second)).toBe(
      'voted out by links and style, 2 of 3: contrary (contrary was right on 20 %); round discharge-contrary-7, revision 14',
    );
  });

  it.each([
    [{ ...vote, outcome: { kind: 'no-majority', votes: { links: 0 } } }, 'came to nothing: no-majority'],
    [{ ...negotiation, outcome: { kind: 'no-quorum', positions: [] } }, 'came to nothing: no-quorum'],
    [{ ...negotiation, outcome: undefined }, 'came to nothing: open'],
    [{ ...vote, outcome: { kind: 'failed', code: 'disconnected' } }, 'came to nothing: failed'],
  ])('one without agreement says so: %#', (kept, ending) => {
    const [only] = agreementsOf([kept], records.slice(0, 1));
    expect(only?.revision).toBeNull();
    expect(only === undefined ? '' : renderAgreement(only)).toContain(ending);
  });
});
