import { describe, expect, it } from 'vitest';
import type { RaftMessage } from './message.ts';
import {
  leaseEndOf,
  newNodeState,
  stepNode,
  type NodeInput,
  type NodeOptions,
  type NodeState,
  type NodeStep,
} from './node.ts';

const electionMs = 100;

function optionsOf(self: string, members: readonly string[] = ['ada', 'bob', 'cyd']): NodeOptions {
  const seal: NodeOptions['seal'] = {
    vote: (term, candidate) => `${self} ${candidate} ${term}`,
    isVote: (party, signature, term, candidate) => signature === `${party} ${candidate} ${term}`,
    operation: () => `of ${self}`,
  };
  return { self, members, group: 'g', seal, electionMs, random: () => 0.5 };
}

/** A member whose steps can be looked at. */
class Played {
  readonly #options: NodeOptions;
  state: NodeState = newNodeState();
  last: NodeStep | undefined;

  constructor(options: NodeOptions) {
    this.#options = options;
  }

  take(input: NodeInput, nowMs = 0): NodeStep {
    const step = stepNode(this.#options, this.state, input, nowMs);
    this.state = step.state;
    this.last = step;
    return step;
  }

  hear(from: string, message: RaftMessage, nowMs = 0): NodeStep {
    return this.take({ kind: 'message', from, message }, nowMs);
  }

  reads(reading: Extract<NodeInput, { kind: 'read' }>['reading'], nowMs = 0): NodeStep {
    return this.take({ kind: 'read', reading }, nowMs);
  }

  leaseEnd(nowMs: number): number {
    return leaseEndOf(this.#options, this.state, nowMs);
  }
}

/** Ada, elected by bob in term 1 at time 0. */
function leader(): Played {
  const ada = new Played(optionsOf('ada'));
  ada.take({ kind: 'start' });
  ada.hear('bob', { kind: 'vote', term: 1, signature: 'bob ada 1' });
  ada.reads({ kind: 'term', index: 1, term: 1, leader: 'ada' });
  return ada;
}

/** Bob, who follows ada in term 1 since time 0. */
function follower(): Played {
  const bob = new Played(optionsOf('bob'));
  bob.reads({ kind: 'term', index: 1, term: 1, leader: 'ada' });
  bob.take({ kind: 'start' });
  return bob;
}

const askVote = (candidate: string, term: number): RaftMessage => ({
  kind: 'ask-vote',
  term,
  signature: `${candidate} ${candidate} ${term}`,
});
const propose = (id: string): NodeInput => ({ kind: 'propose', proposal: { id, body: id } });
const kinds = (step: NodeStep): readonly string[] =>
  step.sends.map(({ message, to }) => `${to} ${message.kind}`);
const answers = (step: NodeStep): readonly string[] =>
  step.answers.map(({ answer, id }) => `${id} ${answer.kind}`);

describe('a member', () => {
  it('stands at once when there never was a leader and it is the first by name, else after a silence', () => {
    expect(kinds(new Played(optionsOf('ada')).take({ kind: 'start' }))).toEqual([
      'bob ask-vote',
      'cyd ask-vote',
    ]);
    const bob = new Played(optionsOf('bob'));
    expect(bob.take({ kind: 'start' })).toMatchObject({
      sends: [],
      timers: [{ timer: 'election', afterMs: 150 }],
    });
    expect(kinds(bob.take({ kind: 'timer', timer: 'election' }, 99))).toEqual([]);
    expect(kinds(bob.take({ kind: 'timer', timer: 'election' }, 100))).toEqual([
      'ada ask-vote',
      'cyd ask-vote',
    ]);
  });

  it('alone in its group elects itself', () => {
    const ada = new Played(optionsOf('ada', ['ada']));
    expect(ada.take({ kind: 'start' }).writes).toMatchObject([
      { entry: { kind: 'term', term: 1, leader: 'ada' } },
    ]);
  });

  it('is not moved by who asks in the name of a candidate', () => {
    const bob = new Played(optionsOf('bob'));
    bob.take({ kind: 'start' });
    const forged = { kind: 'ask-vote', term: Number.MAX_SAFE_INTEGER, signature: 'eve ada 1' } as const;
    expect(kinds(bob.hear('ada', forged))).toEqual([]);
    // Nor by a vote for another candidate, or of an earlier term.
    for (const signature of ['ada bob 5', 'ada ada 4'])
      expect(kinds(bob.hear('ada', { kind: 'ask-vote', term: 5, signature }))).toEqual([]);
    expect(bob.take({ kind: 'timer', timer: 'election' }, 200).sends[0]?.message).toMatchObject({ term: 1 });
  });

  it('gives one vote a term, the same again when it is asked again, and none to a stranger', () => {
    const bob = new Played(optionsOf('bob'));
    bob.take({ kind: 'start' });
    expect(kinds(bob.hear('eve', askVote('eve', 1)))).toEqual([]);
    expect(kinds(bob.hear('ada', askVote('ada', 1)))).toEqual(['ada vote']);
    expect(kinds(bob.hear('cyd', askVote('cyd', 1)))).toEqual([]);
    expect(kinds(bob.hear('ada', askVote('ada', 1)))).toEqual(['ada vote']);
    expect(kinds(bob.hear('cyd', askVote('cyd', 2)))).toEqual(['cyd vote']);
    expect(kinds(bob.hear('ada', askVote('ada', 1)))).toEqual([]);
  });

  it('votes for nobody while it hears a leader, nor for a term that has begun', () => {
    const bob = follower();
    bob.hear('ada', { kind: 'beat', term: 1, sentMs: 7 }, 50);
    expect(bob.last?.sends).toEqual([{ to: 'ada', message: { kind: 'alive', term: 1, sentMs: 7 } }]);
    expect(kinds(bob.hear('cyd', askVote('cyd', 2), 149))).toEqual([]);
    expect(kinds(bob.hear('cyd', askVote('cyd', 1), 150))).toEqual([]);
    expect(kinds(bob.hear('cyd', askVote('cyd', 2), 150))).toEqual(['cyd vote']);
  });

  it('leads when the log says so, not when the votes do', () => {
    const ada = new Played(optionsOf('ada'));
    ada.take({ kind: 'start' });
    const voted = ada.hear('bob', { kind: 'vote', term: 1, signature: 'bob ada 1' });
    expect(voted.writes).toMatchObject([{ attempt: 1, after: 0, entry: { kind: 'term', votes: [{}, {}] } }]);
    expect(ada.state.role).toBe('candidate');
    expect(kinds(ada.reads({ kind: 'term', index: 1, term: 1, leader: 'ada' }))).toEqual([
      'bob beat',
      'cyd beat',
    ]);
    expect(ada.state.role).toBe('leader');
  });

  it('does not lead by a term that it began in an earlier life', () => {
    const ada = new Played(optionsOf('ada'));
    ada.reads({ kind: 'term', index: 1, term: 1, leader: 'ada' });
    ada.take({ kind: 'start' });
    expect(ada.state.role).toBe('follower');
    expect(ada.take(propose('x')).answers).toEqual([
      { id: 'x', answer: { kind: 'no-leader', leader: undefined } },
    ]);
  });

  it('counts no vote that is not signed by who sends it, for it, in this term', () => {
    const ada = new Played(optionsOf('ada'));
    ada.take({ kind: 'start' });
    for (const signature of ['cyd ada 1', 'bob cyd 1', 'bob ada 2'])
      expect(ada.hear('bob', { kind: 'vote', term: 1, signature }).writes).toEqual([]);
    expect(ada.hear('bob', { kind: 'vote', term: 2, signature: 'bob ada 2' }).writes).toEqual([]);
  });

  it('tells who proposes where the leader is, as long as it may be there', () => {
    const bob = follower();
    expect(bob.take(propose('x'), 199).answers).toEqual([
      { id: 'x', answer: { kind: 'no-leader', leader: 'ada' } },
    ]);
    expect(bob.take(propose('x'), 200).answers[0]?.answer).not.toMatchObject({ leader: 'ada' });
  });
});

describe('a leader', () => {
  it('writes one operation after the other, and answers when it has read it', () => {
    const ada = leader();
    expect(ada.take(propose('x')).writes).toMatchObject([
      { attempt: 2, after: 1, entry: { id: 'x', term: 1 } },
    ]);
    expect(ada.take(propose('y'))).toMatchObject({ writes: [], answers: [] });
    const read = ada.reads({ kind: 'operation', index: 2, term: 1, id: 'x', body: 'x' });
    expect(read.answers).toEqual([{ id: 'x', answer: { kind: 'committed', index: 2, term: 1 } }]);
    expect(read.writes).toMatchObject([{ attempt: 3, after: 2, entry: { id: 'y' } }]);
  });

  it('whose entry the log refused reads on before it writes it again', () => {
    const ada = leader();
    ada.take(propose('x'));
    expect(ada.take({ kind: 'not-written', attempt: 2, why: { kind: 'conflict' } })).toMatchObject({
      writes: [],
      answers: [],
    });
    const read = ada.reads({ kind: 'passed-over', index: 2 });
    expect(read.writes).toMatchObject([{ attempt: 3, after: 2, entry: { id: 'x' } }]);
  });

  it('that is deposed answers what waits at once, and what is on its way when that is decided', () => {
    const ada = leader();
    ada.take(propose('x'));
    ada.take(propose('y'));
    expect(answers(ada.reads({ kind: 'term', index: 2, term: 2, leader: 'bob' }))).toEqual(['y deposed']);
    const lost = ada.take({ kind: 'not-written', attempt: 2, why: { kind: 'conflict' } });
    expect(lost.answers).toEqual([{ id: 'x', answer: { kind: 'deposed', leader: 'bob' } }]);
    expect(lost.writes).toEqual([]);
  });

  it('does not know what became of an entry when nobody knows, and leads no more', () => {
    const ada = leader();
    ada.take(propose('x'));
    ada.take(propose('y'));
    const lost = ada.take({ kind: 'not-written', attempt: 2, why: { kind: 'unknown' } });
    expect(answers(lost)).toEqual(['x unknown', 'y no-quorum']);
    expect(ada.state.role).toBe('follower');
  });

  it('that hears from no majority for its time refuses, and steps down', () => {
    const ada = leader();
    ada.hear('cyd', { kind: 'alive', term: 1, sentMs: 40 }, 60);
    expect(ada.leaseEnd(60)).toBe(140);
    expect(answers(ada.take(propose('x'), 141))).toEqual(['x no-quorum']);
    expect(ada.state.role).toBe('follower');
    const other = leader();
    other.hear('cyd', { kind: 'alive', term: 1, sentMs: 40 }, 60);
    other.take(propose('y'), 60);
    other.take(propose('z'), 60);
    expect(answers(other.take({ kind: 'timer', timer: 'beat' }, 141))).toEqual(['z no-quorum']);
    expect(other.state.role).toBe('follower');
  });

  it('lives on signs of life of its own term only', () => {
    const ada = leader();
    ada.hear('cyd', { kind: 'alive', term: 9, sentMs: 90 }, 90);
    expect(ada.leaseEnd(90)).toBe(100);
  });

  it('lives on no sign of life that answers a beat it has not sent yet', () => {
    const ada = leader();
    for (const sentMs of [91, 1e300, Infinity]) ada.hear('cyd', { kind: 'alive', term: 1, sentMs }, 90);
    expect(ada.leaseEnd(90)).toBe(100);
    expect(answers(ada.take(propose('x'), 101))).toEqual(['x no-quorum']);
  });

  it('that hears of a later leader follows it', () => {
    const ada = leader();
    ada.take(propose('x'));
    ada.take(propose('y'));
    expect(answers(ada.hear('bob', { kind: 'beat', term: 2, sentMs: 0 }, 50))).toEqual(['y deposed']);
    expect(ada.state.role).toBe('follower');
  });

  it('refuses what is more than it can keep waiting', () => {
    const ada = leader();
    const refused = Array.from({ length: 1_026 }, (_, i) => answers(ada.take(propose(`op-${i}`)))).flat();
    expect(refused).toEqual(['op-1025 overloaded']);
  });

  it('stands again only after a silence when the log does not take its term, and says why there is no leader', () => {
    const ada = new Played(optionsOf('ada'));
    const why = { kind: 'refused', code: 'log-full', message: 'full' } as const;
    ada.take({ kind: 'start' });
    const [writing] = ada.hear('bob', { kind: 'vote', term: 1, signature: 'bob ada 1' }).writes;
    const refused = ada.take({ kind: 'not-written', attempt: writing?.attempt ?? 0, why });
    expect(refused.writes).toEqual([]);
    expect(refused.timers).toEqual([{ timer: 'election', afterMs: 150 }]);
    expect(ada.take(propose('x')).answers).toEqual([{ id: 'x', answer: why }]);
    expect(kinds(ada.take({ kind: 'timer', timer: 'election' }, 150))).toEqual([
      'bob ask-vote',
      'cyd ask-vote',
    ]);
    ada.reads({ kind: 'term', index: 1, term: 2, leader: 'bob' }, 160);
    expect(answers(ada.take(propose('y'), 160))).toEqual(['y no-leader']);
  });

  it('passes on what the log refuses for good', () => {
    const ada = leader();
    ada.take(propose('x'));
    const why = { kind: 'refused', code: 'log-full', message: 'full' } as const;
    expect(ada.take({ kind: 'not-written', attempt: 2, why }).answers).toEqual([{ id: 'x', answer: why }]);
    expect(ada.state.role).toBe('leader');
  });
});
