/**
 * The hierarchy: wishes go up through heads of clusters to a coordinator, whose word is final. Pure.
 *
 * H1  A head decides for its cluster, the coordinator over the heads; by themselves they take the weighted mean of what is
 *     below them, or the most wanted value.
 * H2  There is one round of objections; the coordinator hears them and may change its word, and then it stands, outvoted or not.
 * H3  Who does not answer when it should decide is replaced by the next: in a cluster by rank, at the top by the deputies. A
 *     cluster that nobody decides for is summed up by the rule.
 */
import type { Json } from '@mabeam/variables';
import { poolWishes, type Wish } from './average.ts';
import { byRank, inOrder, totalWeight, type Position } from './position.ts';
import {
  hasPreference,
  type Answers,
  type Asked,
  type Objection,
  type Proceeding,
  type StatedValue,
  type Strategy,
} from './strategy.ts';
import type { Terms } from './terms.ts';
import { fitValue } from './value-range.ts';

/** A cluster on its way to a decision. */
interface Cluster {
  readonly members: readonly Wish[];
  /** Who may still decide, the next one first. */
  readonly deciders: readonly string[];
}

/** The strategy. */
export function hierarchical(): Strategy {
  return {
    name: 'hierarchical',
    opening: 'prefer',
    isReady: hasPreference,
    settle: (positions, terms) => climb(inOrder(positions), terms),
  };
}

function* climb(positions: readonly Position[], terms: Terms): Proceeding {
  const ranked = positions.toSorted(byRank);
  const chief = terms.hierarchy.coordinator ?? ranked[0]?.party ?? '';
  const wishes = positions
    .filter(hasPreference)
    .map((position) => ({ ...position, value: position.preferred }));
  const own = wishes.filter(({ party }) => party === chief);
  let heads: readonly Wish[] = wishes.filter(({ party }) => party !== chief);
  let level = 1;
  for (; heads.length > terms.hierarchy.clusterSize && level < terms.hierarchy.maxLevels; level++)
    heads = yield* decideClusters(clustersOf(heads, terms), terms);
  const deputies = terms.hierarchy.deputies ?? ranked.map(({ party }) => party);
  const deciders = [...new Set([chief, ...deputies])];
  return yield* decideAtTop({ members: [...own, ...heads], deciders }, level, { positions, terms });
}

/** Cuts a level into clusters by rank, so that each head is the first of its cluster. */
function clustersOf(heads: readonly Wish[], { hierarchy: { clusterSize } }: Terms): readonly Cluster[] {
  const ranked = heads.toSorted(byRank);
  const count = Math.ceil(ranked.length / clusterSize);
  // Dealt like cards: the first `count` by rank are the heads.
  return Array.from({ length: count }, (_, i) => {
    const members = ranked.filter((_wish, place) => place % count === i);
    return { members, deciders: members.map(({ party }) => party) };
  });
}

/** Lets all clusters of a level decide; each becomes one wish with the weight of its members. */
function* decideClusters(
  clusters: readonly Cluster[],
  terms: Terms,
): Generator<readonly Asked[], readonly Wish[], Answers> {
  const decided = new Map<Cluster, Wish>();
  let turn = 0;
  let open = clusters;
  while (open.length > 0) {
    const answers = yield open.flatMap((cluster) => questionTo(cluster, turn, terms) ?? []);
    for (const cluster of open) {
      const decider = cluster.deciders[turn] ?? '';
      const value = decisionIn(answers, decider, terms);
      if (value !== undefined) decided.set(cluster, wishOf(cluster, decider, value));
    }
    turn++;
    open = open.filter((cluster) => !decided.has(cluster) && turn < cluster.deciders.length);
  }
  return clusters.flatMap((cluster) => decided.get(cluster) ?? summedUp(cluster, terms));
}

function questionTo({ members, deciders }: Cluster, turn: number, { range }: Terms): Asked | undefined {
  const to = deciders[turn];
  const proposal = poolWishes(members, range);
  if (to === undefined) return undefined;
  const question = { phase: 'decide', values: members.map(stated), proposal: proposal ?? null } as const;
  return proposal === undefined
    ? { to, question }
    : { to, question, usual: { kind: 'decision', value: proposal } };
}

interface Stage {
  readonly positions: readonly Position[];
  readonly terms: Terms;
}

function* decideAtTop(top: Cluster, levels: number, { positions, terms }: Stage): Proceeding {
  for (let turn = 0; turn < top.deciders.length; turn++) {
    const asked = questionTo(top, turn, terms);
    const decider = top.deciders[turn] ?? '';
    const word = asked === undefined ? undefined : decisionIn(yield [asked], decider, terms);
    if (asked === undefined || word === undefined) continue;
    const objections = yield* hearObjections(word, decider, positions);
    const last = objections.length === 0 ? word : yield* hearAgain(asked, { word, objections, terms });
    const details = { decidedBy: decider, levels, objections: objections.map(({ party }) => party) };
    return { kind: 'agreed', value: last, rounds: objections.length === 0 ? 2 : 3, details };
  }
  if (top.members.length > 0 && poolWishes(top.members, terms.range) === undefined)
    return { kind: 'no-feasible-value' };
  return { kind: 'coordinator-unavailable', asked: top.deciders };
}

function* hearObjections(
  value: Json,
  decidedBy: string,
  positions: readonly Position[],
): Generator<readonly Asked[], readonly Objection[], Answers> {
  const others = positions.filter(({ party }) => party !== decidedBy);
  const question = { phase: 'object', value, decidedBy } as const;
  const answers = yield others.map(({ party }) => ({ to: party, question, usual: { kind: 'accept' } }));
  return others.flatMap(({ party }) => {
    const answer = answers.get(party);
    if (answer?.kind !== 'object') return [];
    const { value: wish, reason } = answer;
    return [
      { party, ...(wish === undefined ? {} : { value: wish }), ...(reason === undefined ? {} : { reason }) },
    ];
  });
}

/** The coordinator's last word; when it says nothing more, its first one. */
function* hearAgain(
  asked: Asked,
  {
    word,
    objections,
    terms,
  }: { readonly word: Json; readonly objections: readonly Objection[]; readonly terms: Terms },
): Generator<readonly Asked[], Json, Answers> {
  if (asked.question.phase !== 'decide') return word;
  const question = { ...asked.question, proposal: word, objections };
  const answers = yield [{ to: asked.to, question, usual: { kind: 'decision', value: word } }];
  return decisionIn(answers, asked.to, terms) ?? word;
}

function decisionIn(answers: Answers, party: string, { range }: Terms): Json | undefined {
  const answer = answers.get(party);
  return answer?.kind === 'decision' ? fitValue(answer.value, range) : undefined;
}

function wishOf({ members }: Cluster, party: string, value: Json): Wish {
  const priority = members.find((member) => member.party === party)?.priority ?? 0;
  return { party, priority, weight: totalWeight(members), value };
}

function summedUp(cluster: Cluster, { range }: Terms): readonly Wish[] {
  const value = poolWishes(cluster.members, range);
  const [head] = cluster.members;
  return value === undefined || head === undefined ? [] : [wishOf(cluster, head.party, value)];
}

function stated({ party, value, weight }: Wish): StatedValue {
  return { party, value, weight };
}
