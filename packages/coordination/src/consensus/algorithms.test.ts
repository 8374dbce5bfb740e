import { canonicalText, createIdentity } from '@mabeam/bus';
import { describe, expect, it } from 'vitest';
import {
  agreedDecision,
  decisionAlgorithm,
  decisionAlgorithms,
  isDecisionProtocol,
  type Decision,
} from './algorithms.ts';
import { certify } from './certificate.ts';
import { paperDigest, writePaper, type Choice } from './paper.ts';
import { verifyDecision } from './verify-decision.ts';
import { signVote } from './vote.ts';

const names = ['ada', 'bob', 'cyd'];
const identities = new Map(names.map((party) => [party, createIdentity()]));

function certificateOf(choices: readonly Choice[]): unknown {
  const paper = writePaper({
    space: 'desk',
    round: 'r1',
    algorithm: 'simple-majority',
    electorate: names.map((party) => ({ party })),
    alternatives: ['letter', 'fax'],
  });
  const votes = choices.map((choice, place) => {
    const party = names[place] ?? '';
    return signVote(identities.get(party) ?? createIdentity(), paperDigest(paper), party, choice);
  });
  const accepted = choices.filter((choice) => choice === 1).length > 1;
  return certify(paper, accepted ? { kind: 'accepted', accepted: 1 } : { kind: 'rejected' }, {
    votes,
    durationMs: 1,
  });
}

describe('the table of algorithms', () => {
  it('has one entry a name, and knows no other', () => {
    const all = decisionAlgorithms();
    expect(new Set(all).size).toBe(all.length);
    expect(all.map((name) => decisionAlgorithm(name).name)).toEqual(all);
    expect(() => decisionAlgorithm('paxos')).toThrow(expect.objectContaining({ code: 'unknown-strategy' }));
  });

  it('knows its protocols from negotiation', () => {
    expect(decisionAlgorithms().every((name) => isDecisionProtocol(decisionAlgorithm(name).protocol))).toBe(
      true,
    );
    expect(isDecisionProtocol('negotiation')).toBe(false);
  });
});

describe('a certificate', () => {
  it('says what was agreed on, and only who was for it signed for it', () => {
    const keyOf = (party: string): string => identities.get(party)?.publicKey ?? '';
    const verified = verifyDecision(certificateOf([1, null, 1]));
    expect(verified).toEqual({
      kind: 'valid',
      decision: {
        algorithm: 'simple-majority',
        space: 'desk',
        round: 'r1',
        kind: 'agreed',
        value: 'fax',
        electorate: names,
        signers: { ada: keyOf('ada'), cyd: keyOf('cyd') },
      },
    });
  });

  it('of a rejection has no value, and who refused signed it', () => {
    const verified = verifyDecision(certificateOf([null, 1, null]));
    expect(verified).toMatchObject({ kind: 'valid', decision: { kind: 'rejected' } });
    const decision = verified.kind === 'valid' ? verified.decision : undefined;
    expect([decision?.value, Object.keys(decision?.signers ?? {})]).toEqual([undefined, ['ada', 'cyd']]);
  });

  it('may come as text, which must be the text that was signed', () => {
    const text = canonicalText(certificateOf([1, 1]));
    expect(verifyDecision(text).kind).toBe('valid');
    expect(verifyDecision(Buffer.from(text)).kind).toBe('valid');
    expect(verifyDecision(`${text} `).kind).toBe('invalid');
  });

  it('of one algorithm is none of another', () => {
    const certificate = certificateOf([1, 1]);
    expect(decisionAlgorithm('simple-majority').verify(certificate).kind).toBe('valid');
    for (const name of ['unanimous', 'pbft', 'raft', 'gossip', 'blockchain'])
      expect(decisionAlgorithm(name).verify(certificate).kind, name).toBe('invalid');
  });

  it('must be by the keys that are known', () => {
    const other = { keys: { ada: createIdentity().publicKey } };
    expect(verifyDecision(certificateOf([1, 1]), other).kind).toBe('invalid');
  });

  it.each([
    [undefined],
    [null],
    ['{'],
    [{}],
    [[]],
    [{ votes: 1, decision: 2 }],
    [{ proof: {} }],
    [{ seals: [] }],
    [{ receipts: [], share: 'majority' }],
    [{ receipts: 1, share: 'two-thirds' }],
  ])('is not %j', (thing) => {
    expect(verifyDecision(thing).kind).toBe('invalid');
  });
});

describe('what was agreed on', () => {
  const decision: Decision = { kind: 'agreed', value: 7, round: 'r1', participants: [], durationMs: 1 };

  it('is the value, or the code of the ending, naming who is missing', () => {
    expect(agreedDecision(decision)).toBe(7);
    const participants = [{ party: 'ada', outcome: 'timeout', late: 0 }] as const;
    const failing = (kind: string) => (): unknown => agreedDecision({ ...decision, kind, participants });
    expect(failing('no-majority')).toThrow(
      expect.objectContaining({ code: 'no-majority', message: expect.stringContaining('ada') }),
    );
    expect(failing('not-converged')).toThrow(expect.objectContaining({ code: 'timeout' }));
  });
});
