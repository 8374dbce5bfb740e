import { describe, expect, it } from 'vitest';
import { committeeOf } from './committee.ts';
import { readPbftMessage, type PbftMessage } from './message.ts';
import { culpritsOf, isDecisionProof, isJustified, isPreparedProof, type PbftCertificate } from './proof.ts';
import { createReplica, type ReplicaState } from './replica.ts';
import type { Signed, Statement } from './statement.ts';

const committee = committeeOf('s', ['a', 'b', 'c', 'd'], { alternatives: 2 });
const sign = <S extends Statement>(by: string, statement: S): Signed<S> => ({
  statement,
  by,
  signature: `of ${by}`,
});
const check = ({ by, signature }: Signed): boolean => signature === `of ${by}`;
const all = <T>(by: readonly string[], make: (by: string) => T): readonly T[] => by.map(make);

const prepares = (by: readonly string[], view: number, choice: number) =>
  all(by, (one) => sign(one, { kind: 'prepare' as const, session: 's', view, choice }));
const commits = (by: readonly string[], view: number, choice: number) =>
  all(by, (one) => sign(one, { kind: 'commit' as const, session: 's', view, choice }));
const changes = (by: readonly string[], view: number, prepared: { view: number; choice: number } | null) =>
  all(by, (one) => sign(one, { kind: 'view-change' as const, session: 's', view, prepared }));
const certificate = (by: readonly string[], view: number, choice: number): PbftCertificate => ({
  session: 's',
  view,
  choice,
  commits: commits(by, view, choice),
});
const three = ['a', 'b', 'c'];

describe('a proof', () => {
  it('needs a quorum of different members who signed about one thing', () => {
    expect(isDecisionProof(committee, certificate(three, 0, 1), check)).toBe(true);
    expect(isDecisionProof(committee, certificate(['a', 'b'], 0, 1), check)).toBe(false);
    expect(isDecisionProof(committee, certificate(['a', 'b', 'b'], 0, 1), check)).toBe(false);
    expect(isDecisionProof(committee, certificate(['a', 'b', 'x'], 0, 1), check)).toBe(false);
    expect(isDecisionProof(committee, certificate(three, 0, 2), check)).toBe(false);
    expect(isDecisionProof(committee, { ...certificate(three, 0, 1), session: 't' }, check)).toBe(false);
    expect(isDecisionProof(committee, { ...certificate(three, 0, 1), choice: 0 }, check)).toBe(false);
    expect(isDecisionProof(committee, certificate(three, 0, 1), ({ by }) => by !== 'c')).toBe(false);
  });

  it('of a later view accounts for the views before', () => {
    const fresh = { changes: changes(three, 1, null) };
    expect(isJustified(committee, { view: 1, choice: 0 }, check)).toBe(false);
    expect(isJustified(committee, { view: 1, choice: 0, justification: fresh }, check)).toBe(true);
    expect(isJustified(committee, { view: 2, choice: 0, justification: fresh }, check)).toBe(false);
    expect(isJustified(committee, { view: 0, choice: 0, justification: fresh }, check)).toBe(false);
  });

  it('lets a view propose nothing but the last prepared choice', () => {
    const proof = { view: 0, choice: 1, prepares: prepares(three, 0, 1) };
    const told = [...changes(['a', 'b'], 1, null), ...changes(['c'], 1, { view: 0, choice: 1 })];
    const at = (choice: number, justification: Parameters<typeof isJustified>[1]['justification']): boolean =>
      isJustified(committee, { view: 1, choice, justification }, check);
    expect(isPreparedProof(committee, proof, check)).toBe(true);
    expect(at(1, { changes: told, proof })).toBe(true);
    expect(at(0, { changes: told, proof })).toBe(false);
    expect(at(1, { changes: told })).toBe(false);
    expect(
      at(0, { changes: told, proof: { view: 0, choice: 0, prepares: prepares(['a', 'b'], 0, 0) } }),
    ).toBe(false);
    // A liar claims the other choice beside the true one: the true proof does not carry the claim.
    const both = [
      ...changes(['a'], 1, { view: 0, choice: 0 }),
      ...changes(['b'], 1, null),
      ...changes(['c'], 1, { view: 0, choice: 1 }),
    ];
    expect(at(0, { changes: both, proof })).toBe(false);
    expect(at(1, { changes: both, proof })).toBe(true);
    expect(at(1, { changes: changes(three, 1, { view: 1, choice: 1 }), proof: { ...proof, view: 1 } })).toBe(
      false,
    );
  });
});

describe('a message', () => {
  const within = (depth: number): unknown => {
    let proof: object | undefined;
    for (let i = 0; i < depth; i++)
      proof = { view: 0, choice: 0, prepares: [], justification: { changes: [], ...(proof && { proof }) } };
    const signed = sign('a', { kind: 'view-change', session: 's', view: 1, prepared: null });
    return { kind: 'view-change', signed, proof };
  };

  it('is none when its proofs are deeper than anybody could verify, however deep', () => {
    expect(readPbftMessage(within(20))).toBeDefined();
    for (const depth of [40, 3_000, 10_000])
      expect(readPbftMessage(within(depth)), `${depth}`).toBeUndefined();
  });
});

describe('two certificates that differ', () => {
  it('of one view convict who committed twice', () => {
    expect(culpritsOf(certificate(three, 0, 0), certificate(['b', 'c', 'd'], 0, 1))).toEqual(['b', 'c']);
  });

  it('of two views convict who hid what it had committed to', () => {
    const late = {
      ...certificate(['b', 'c', 'd'], 1, 1),
      justification: { changes: changes(['b', 'c', 'd'], 1, null) },
    };
    expect(isDecisionProof(committee, late, check)).toBe(true);
    expect(culpritsOf(late, certificate(three, 0, 0))).toEqual(['b', 'c']);
  });

  it('convict by the first step that contradicts, however many views lie between', () => {
    const second = {
      view: 1,
      choice: 1,
      prepares: prepares(['b', 'c', 'd'], 1, 1),
      justification: { changes: changes(['a', 'c', 'd'], 1, null) },
    };
    const justification = { changes: changes(['b', 'c', 'd'], 2, { view: 1, choice: 1 }), proof: second };
    const late = { ...certificate(['b', 'c', 'd'], 2, 1), justification };
    expect(isDecisionProof(committee, late, check)).toBe(true);
    expect(culpritsOf(certificate(three, 0, 0), late)).toEqual(['a', 'c']);
  });

  it('convict nobody when they agree or are of two sessions', () => {
    expect(culpritsOf(certificate(three, 0, 0), certificate(['b', 'c', 'd'], 3, 0))).toEqual([]);
    expect(culpritsOf(certificate(three, 0, 0), { ...certificate(three, 0, 1), session: 't' })).toEqual([]);
  });
});

describe('an honest member', () => {
  const replica = createReplica({
    committee,
    self: 'b',
    accepts: [0],
    sign: (statement) => sign('b', statement),
    check,
  });
  const propose = (by: string, choice: number): PbftMessage => ({
    kind: 'propose',
    signed: sign(by, { kind: 'propose', session: 's', view: 0, choice }),
  });
  const hear = (state: ReplicaState, message: PbftMessage) =>
    replica.step(state, { kind: 'message', from: 'a', message });

  it('takes what it accepts from the primary, once a view, and from nobody else', () => {
    const first = hear(replica.initial, propose('a', 0));
    expect(first.sends.map(({ message }) => message.kind)).toEqual(['prepare', 'prepare', 'prepare']);
    expect(hear(first.state, propose('a', 0)).sends).toEqual([]);
    expect(hear(replica.initial, propose('c', 0)).sends).toEqual([]);
  });

  it('does not take what it does not accept, nor what is not on the paper', () => {
    expect(hear(replica.initial, propose('a', 1)).sends).toEqual([]);
    expect(hear(replica.initial, propose('a', 2)).sends).toEqual([]);
  });

  it('takes what it does not accept when a quorum was prepared for it', () => {
    const proof = { view: 0, choice: 1, prepares: prepares(['a', 'c', 'd'], 0, 1) };
    const justification = { changes: changes(['a', 'c', 'd'], 2, { view: 0, choice: 1 }), proof };
    const signed = sign('c', { kind: 'propose' as const, session: 's', view: 2, choice: 1 });
    const step = hear(replica.initial, { kind: 'propose', signed, justification });
    expect(step.state).toMatchObject({ view: 2, phase: 'voting' });
    expect(step.sends[0]?.message).toMatchObject({
      kind: 'prepare',
      signed: { statement: { view: 2, choice: 1 } },
    });
  });

  it('does not run ahead of the others when it is cut off', () => {
    let { state } = replica.step(replica.initial, { kind: 'start' });
    for (let i = 0; i < 9; i++) ({ state } = replica.step(state, { kind: 'timer', timer: 'view' }));
    expect(state).toMatchObject({ view: 1, phase: 'changing' });
  });

  it('changes nothing that it is handed', () => {
    const before = JSON.stringify([...replica.initial.prepares]);
    hear(replica.initial, propose('a', 0));
    expect(JSON.stringify([...replica.initial.prepares])).toBe(before);
    expect(replica.initial.view).toBe(0);
  });
});
