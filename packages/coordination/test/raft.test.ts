import { describe, expect, it } from 'vitest';
import { namesOf, playRaft, viewOf, type RaftPlay } from './raft-stage.ts';

const runs = process.env['MABEAM_LONG'] === '1' ? 3_000 : 150;

const refusals = new Set(['no-leader', 'deposed', 'no-quorum', 'overloaded']);

/** Plays one run and says what is wrong with it; and how it went. */
function playOnce(seed: number) {
  const play: RaftPlay = { seed, size: 1 + (seed % 5), operations: 6, singles: 6, untilMs: 60_000 };
  const leaders = new Map<number, string>();
  const wrong: string[] = [];
  const run = playRaft(play, (party, { node }) => {
    if (node.role !== 'leader') return;
    if (leaders.has(node.term) && leaders.get(node.term) !== party)
      wrong.push(`two leaders in term ${node.term}`);
    leaders.set(node.term, party);
  });
  const members = namesOf(play.size);
  const log = run.states.get('log')?.log ?? [];
  const { readings } = viewOf(members, log);
  const operations = readings.filter((reading) => reading.kind === 'operation');
  const terms = readings.filter((reading) => reading.kind === 'term');
  const done = operations.map(({ id, index }) => `${id}@${index}`);
  if (new Set(operations.map(({ id }) => id)).size < operations.length)
    wrong.push('an operation is done twice');
  if (new Set(terms.map(({ term }) => term)).size < terms.length) wrong.push('a term begins twice');
  for (const member of members) {
    const own = run.states.get(member)?.done.map(({ id, index }) => `${id}@${index}`) ?? [];
    if (own.join() !== done.slice(0, own.length).join()) wrong.push(`${member} has read something else`);
  }
  const answers = run.states.get('client')?.answers ?? new Map();
  for (const [id, answer] of answers) {
    if (answer.kind === 'committed' && !done.includes(`${id}@${answer.index}`))
      wrong.push(`${id} is not where it was said`);
    const isSingle = id.startsWith('once-');
    if (isSingle && refusals.has(answer.kind) && operations.some((one) => one.id === id))
      wrong.push(`${id} was refused and done`);
  }
  if (run.ending !== 'over') wrong.push(`it ended in ${run.ending}`);
  return {
    wrong,
    run,
    terms: terms.length,
    refused: [...answers.values()].filter(({ kind }) => refusals.has(kind)).length,
  };
}

describe('a group in a network that loses, doubles, delays and cuts, with members that crash and forget', () => {
  it('has one leader a term, one log, every operation once, true answers, and goes on when the network heals', () => {
    let terms = 0;
    let lost = 0;
    let refused = 0;
    for (let seed = 0; seed < runs; seed++) {
      const played = playOnce(seed);
      expect({ seed, wrong: played.wrong }).toEqual({ seed, wrong: [] });
      terms += played.terms;
      lost += played.run.lost;
      refused += played.refused;
    }
    // The runs are not all calm: leaders change, messages are lost, proposals are refused.
    expect(terms).toBeGreaterThan(2 * runs);
    expect(lost).toBeGreaterThan(10 * runs);
    expect(refused).toBeGreaterThan(runs / 4);
  }, 600_000);
});
