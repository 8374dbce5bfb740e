import { createIdentity, digestOf, type Identity } from '@mabeam/bus';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sealOf, type OperationEntry, type RaftEntry, type TermEntry } from './entry.ts';
import { groupDigest, writeRaftPaper } from './paper.ts';
import { GroupView, type Reading } from './view.ts';

const names = ['ada', 'bob', 'cyd'];
const identities = new Map<string, Identity>(names.map((party) => [party, createIdentity()]));
const paper = writeRaftPaper({
  space: 'mail',
  group: 'books',
  electorate: names.map((party) => ({ party, key: identities.get(party)?.publicKey ?? '' })),
});
const group = groupDigest(paper);

function sealFor(party: string) {
  return sealOf(paper, identities.get(party));
}

function term(number: number, leader: string, voters: readonly string[] = ['ada', 'bob']): TermEntry {
  const votes = voters.map((party) => ({ party, signature: sealFor(party).vote(number, leader) }));
  return { v: 1, kind: 'term', group, term: number, leader, votes };
}

function operation(number: number, leader: string, id: string): OperationEntry {
  const unsigned = { v: 1, kind: 'operation', group, term: number, leader, id, body: `do ${id}` } as const;
  return { ...unsigned, signature: sealFor(leader).operation(unsigned) };
}

function read(entries: readonly unknown[]): readonly Reading['kind'][] {
  const view = new GroupView({ group, members: names, seal: sealOf(paper) });
  return entries.map((entry) => view.take(entry).kind);
}

describe('what a log says to a group', () => {
  it('is that a term begins with the votes of a majority, and with no fewer, no others, none twice', () => {
    expect(read([term(1, 'ada')])).toEqual(['term']);
    expect(read([term(1, 'ada', names)])).toEqual(['term']);
    expect(read([term(1, 'ada', ['ada'])])).toEqual(['passed-over']);
    expect(read([term(1, 'ada', ['ada', 'ada'])])).toEqual(['passed-over']);
    const [vote] = term(1, 'ada').votes;
    const lent = { ...term(1, 'ada'), votes: [vote, { ...vote, party: 'cyd' }] };
    expect(read([lent])).toEqual(['passed-over']);
    expect(read([{ ...term(1, 'ada'), leader: 'bob' }])).toEqual(['passed-over']);
    expect(read([{ ...term(1, 'ada'), term: 2 }])).toEqual(['passed-over']);
    expect(read([{ ...term(1, 'ada'), group: digestOf('other') }])).toEqual(['passed-over']);
  });

  it('is that terms only rise, and each has the leader that came first', () => {
    const entries = [term(2, 'ada'), term(2, 'bob'), term(1, 'cyd'), term(4, 'cyd')];
    expect(read(entries)).toEqual(['term', 'passed-over', 'passed-over', 'term']);
  });

  it('is that only the leader of the present term writes, with its own signature', () => {
    const entries = [
      operation(1, 'ada', 'before any term'),
      term(1, 'ada'),
      operation(1, 'ada', 'a'),
      operation(1, 'bob', 'not the leader'),
      { ...operation(1, 'ada', 'b'), body: 'changed' },
      { ...operation(1, 'ada', 'b'), id: 'changed' },
      term(2, 'bob'),
      operation(1, 'ada', 'deposed'),
      operation(2, 'bob', 'c'),
    ];
    const p = 'passed-over';
    expect(read(entries)).toEqual([p, 'term', 'operation', p, p, p, 'term', p, 'operation']);
  });

  it('is that an id is done once, whoever writes it again', () => {
    const entries = [
      term(1, 'ada'),
      operation(1, 'ada', 'a'),
      operation(1, 'ada', 'a'),
      term(2, 'bob'),
      operation(2, 'bob', 'a'),
    ];
    expect(read(entries)).toEqual(['term', 'operation', 'passed-over', 'term', 'passed-over']);
  });

  it('gives everything a place, whatever it is, and throws at nothing', () => {
    const view = new GroupView({ group, members: names, seal: sealOf(paper) });
    fc.assert(
      fc.property(fc.anything(), (junk) => {
        const before = view.index;
        expect(view.take(junk)).toEqual({ kind: 'passed-over', index: before + 1 });
      }),
      { numRuns: 200 },
    );
    expect(view.take(term(1, 'ada'))).toMatchObject({ kind: 'term', index: view.index });
    view.take(operation(1, 'ada', 'a'));
    expect(view.placeOf('a')).toEqual({ index: view.index, term: 1, digest: digestOf('do a') });
    expect([view.term, view.leader]).toEqual([1, 'ada']);
  });

  it('is the same for all however the log is cut, and what was read stays', () => {
    const pool: readonly RaftEntry[] = [1, 2, 3].flatMap((n) =>
      names.flatMap((leader) => [
        term(n, leader),
        operation(n, leader, 'a'),
        operation(n, leader, `${leader}${n}`),
      ]),
    );
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pool), { maxLength: 12 }), fc.nat(12), (log, cut) => {
        expect(read(log).slice(0, cut)).toEqual(read(log.slice(0, cut)));
      }),
      { numRuns: 50 },
    );
  });
});
