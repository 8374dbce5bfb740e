/**
 * The scores of a rollout as the event stream has them. It is read from the moment the judge needs scores from, found by halving, and
 * then read on; what has been read is kept. Whoever reads anew finds the same, so nothing is lost with a leader.
 */
import { parseScore } from '@mabeam/agents';
import {
  lastSequence,
  readStreamOnce,
  spaceNames,
  subjects,
  type Bus,
  type StoredMessage,
} from '@mabeam/bus';
import type { Rollout } from './rollout.ts';
import { scoresNeededFrom, type Score } from './samples.ts';

/** The scores of one rollout, as far as they have been read. */
export interface ScoreLog {
  /** Reads on, and gives all that were stored until the call. Throws what the bus throws. */
  readonly read: () => Promise<readonly Score[]>;
}

/** The log of a rollout's metric; nothing is read before the first `read`. */
export function openScoreLog(bus: Bus, space: string, rollout: Rollout): ScoreLog {
  const place = { bus, stream: spaceNames(space).events, filter: subjects(space).at('event.score.*.given') };
  const scores: Score[] = [];
  let next: number | undefined;
  return {
    read: async () => {
      next ??= await firstSince(place, scoresNeededFrom(rollout));
      for await (const event of readStreamOnce(bus, place.stream, { filter: place.filter, from: next })) {
        next = event.sequence + 1;
        const score = scoreIn(event);
        if (score?.metric === rollout.guard.metric) scores.push(score);
      }
      return scores;
    },
  };
}

interface Place {
  readonly bus: Bus;
  readonly stream: string;
  readonly filter: string;
}

/** The first sequence from which on nothing is older than `ms` (since the epoch). */
async function firstSince({ bus, filter, stream }: Place, ms: number): Promise<number> {
  let [low, high] = [1, (await lastSequence(bus, stream)) + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = await readStreamOnce(bus, stream, { filter, from: middle }).next();
    const event = found.done === true ? undefined : found.value;
    if (event === undefined || event.at.getTime() >= ms) high = middle;
    else low = event.sequence + 1;
  }
  return low;
}

/** The score in an event; undefined when it is none, for anybody may publish one. */
function scoreIn(event: StoredMessage): Score | undefined {
  const body = parseScore(readable(event));
  if (body === undefined) return undefined;
  const conversation = body.conversation ?? event.headers.get('mabeam-conversation');
  return { ...body, conversation, at: event.at.getTime() };
}

function readable(event: StoredMessage): unknown {
  try {
    return event.json();
  } catch {
    return undefined;
  }
}
