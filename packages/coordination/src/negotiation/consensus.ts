/**
 * Consensus by rounds: in each, every party is told what the others want, and accepts, counters or stays. Pure.
 *
 * Numbers move towards each other as in DeGroot's model ("Reaching a consensus", JASA 69, 1974) with stubbornness: by itself a
 * party goes to s · own + (1 − s) · the weighted mean of all, and no further than it accepts. They agree when they differ by at
 * most `tolerance` of the range. Anything else is voted on: a value with more than half of the weight is agreed on, and after
 * each round without one the least wanted is out of the running, unless the last two are level.
 *
 * R1  Who does not answer a round is out of the negotiation, and its weight with it; the quorum is that of all invited.
 * R2  Nobody is moved without its consent: who leaves its answers to the rule has said so.
 */
import type { Json } from '@mabeam/variables';
import { areNumbers, campsOf, isTie, weightedMean, type Camp } from './average.ts';
import { canonicalText } from './canonical.ts';
import { inOrder, totalWeight, type Position } from './position.ts';
import {
  hasPreference,
  type Answers,
  type Asked,
  type Proceeding,
  type Settlement,
  type StatedValue,
  type Strategy,
} from './strategy.ts';
import type { Terms } from './terms.ts';
import { spanOf, utilityOf } from './utility.ts';
import { fitValue } from './value-range.ts';

type Voice<V extends Json = Json> = Position & { readonly value: V };

/** The strategy. */
export function consensus(): Strategy {
  return {
    name: 'consensus',
    opening: 'prefer',
    isReady: hasPreference,
    settle: (positions, terms) => {
      const voices = inOrder(positions)
        .filter(hasPreference)
        .map((position) => ({ ...position, value: position.preferred }));
      return areNumbers(voices) ? numberRounds(voices, terms) : voteRounds(voices, terms);
    },
  };
}

function* numberRounds(first: readonly Voice<number>[], terms: Terms): Proceeding {
  let voices = first;
  const [low, high] = spanOf(
    first.map(({ value }) => value),
    terms.range,
  );
  const near = terms.consensus.tolerance * (high - low);
  for (let number = 1; ; number++) {
    const values = voices.map(({ value }) => value);
    if (Math.max(...values) - Math.min(...values) <= near) return meet(voices, number - 1, terms);
    if (number > terms.maxRounds) return deadlock(voices, terms);
    const proposal = weightedMean(voices);
    const answers = yield voices.map((voice) => askNumber(voice, { voices, number, proposal }));
    voices = voices.flatMap((voice) => {
      const value = valueIn(answers, voice, proposal);
      return typeof value === 'number' ? [{ ...voice, value }] : [];
    });
    const missing = quorumMissing(voices, terms);
    if (missing !== undefined) return missing;
  }
}

interface Round<V extends Json = Json> {
  readonly voices: readonly Voice<V>[];
  readonly number: number;
  readonly proposal: V;
}

function askNumber(voice: Voice<number>, { voices, number, proposal }: Round<number>): Asked {
  const others = voices.filter(({ party }) => party !== voice.party);
  const { stubbornness = 0.5, min = -Infinity, max = Infinity, value } = voice;
  const moved = stubbornness * value + (1 - stubbornness) * proposal;
  // What it accepts bounds its steps, not where it began.
  const inside = Math.min(Math.max(max, value), Math.max(Math.min(min, value), moved));
  return {
    to: voice.party,
    question: { phase: 'react', number, proposal, own: value, others: others.map(stated) },
    usual: { kind: 'counter', value: stubbornness === 1 ? value : inside },
  };
}

function meet(voices: readonly Voice<number>[], rounds: number, { range }: Terms): Settlement {
  const value = fitValue(weightedMean(voices), range);
  return value === undefined ? { kind: 'no-feasible-value' } : { kind: 'agreed', value, rounds };
}

function* voteRounds(first: readonly Voice[], terms: Terms): Proceeding {
  let voices = first;
  let options: readonly Json[] = campsOf(first.filter(({ value }) => isAllowed(value, terms))).map(
    ({ value }) => value,
  );
  const peers = first.map(({ value }) => value);
  if (options.length === 0) return { kind: 'no-feasible-value' };
  for (let number = 1; ; number++) {
    const camps = campsIn(voices, options);
    const [leader] = camps;
    const total = totalWeight(voices);
    if (leader !== undefined && leader.weight > total / 2 && !isTie(leader, { weight: total / 2 }))
      return { kind: 'agreed', value: leader.value, rounds: number - 1 };
    if (number > terms.maxRounds || leader === undefined) return deadlock(voices, terms);
    options = withoutLast(camps);
    const proposal = leader.value;
    const round = { voices, number, proposal };
    const answers = yield voices.map((voice) => askVote(voice, round, { options, peers }));
    voices = voices.flatMap((voice) => {
      const value = valueIn(answers, voice, proposal);
      return value === undefined ? [] : [{ ...voice, value }];
    });
    const missing = quorumMissing(voices, terms);
    if (missing !== undefined) return missing;
  }
}

function isAllowed(value: Json, { range }: Terms): boolean {
  const fitted = fitValue(value, range);
  return fitted !== undefined && canonicalText(fitted) === canonicalText(value);
}

/** The options with their weight, the most wanted first. */
function campsIn(voices: readonly Voice[], options: readonly Json[]): readonly Camp[] {
  const running = new Set(options.map(canonicalText));
  return campsOf(voices.filter(({ value }) => running.has(canonicalText(value))));
}

/** The options without the least wanted one; two that are level both stay. */
function withoutLast(camps: readonly Camp[]): readonly Json[] {
  const [last, beforeLast] = camps.toReversed();
  const areLevel =
    camps.length === 2 && last !== undefined && beforeLast !== undefined && isTie(last, beforeLast);
  return (camps.length < 2 || areLevel ? camps : camps.slice(0, -1)).map(({ value }) => value);
}

/** By itself a party stays; when its value is out it goes to the best that is left, unless it never moves. */
function askVote(
  voice: Voice,
  { voices, number, proposal }: Round,
  { options, peers }: { readonly options: readonly Json[]; readonly peers: readonly Json[] },
): Asked {
  const others = voices.filter(({ party }) => party !== voice.party).map(stated);
  const isRunning = options.some((option) => canonicalText(option) === canonicalText(voice.value));
  const stays = isRunning || voice.stubbornness === 1;
  const worth = (value: Json): number => utilityOf(voice, value, peers);
  const best = options.reduce(
    (top, option) => (worth(option) > worth(top) ? option : top),
    options[0] ?? proposal,
  );
  return {
    to: voice.party,
    question: { phase: 'react', number, proposal, own: voice.value, others, options },
    usual: { kind: 'counter', value: stays ? voice.value : best },
  };
}

/** What a voice stands for after its answer; undefined when it gave none. */
function valueIn(answers: Answers, { party }: Voice, proposal: Json): Json | undefined {
  const answer = answers.get(party);
  if (answer?.kind === 'accept') return proposal;
  return answer?.kind === 'counter' ? answer.value : undefined;
}

function deadlock(voices: readonly Voice[], { maxRounds }: Terms): Settlement {
  const values = Object.fromEntries(voices.map(({ party, value }) => [party, value]));
  return { kind: 'deadlocked', rounds: maxRounds, values };
}

function quorumMissing(voices: readonly Voice[], { quorum, invitedWeight }: Terms): Settlement | undefined {
  const present = totalWeight(voices);
  const needed = quorum * invitedWeight;
  if (voices.length > 0 && present >= needed * (1 - 1e-12)) return undefined;
  return { kind: 'no-quorum', present, needed };
}

function stated({ party, value, weight }: Voice): StatedValue {
  return { party, value, weight };
}
