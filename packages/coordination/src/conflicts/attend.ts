/** The party's end of conflicts: says that it is there, decides when it leads, and is told what it gets. */
import { busErrors, errorsOf, type Bus, type ServedRequest } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import type { Participation } from '../negotiation/participate.ts';
import { roundFilter } from '../session/round.ts';
import { conflictProtocol, readCandidacy, readVerdict, type Candidacy, type Verdict } from './messages.ts';

/** What a party does about its conflicts. */
export interface ConflictVoice {
  /** Its conflict is settled: what it gets, and if it is overridden by whom and why. */
  readonly told: (verdict: Verdict) => void | Promise<void>;
  /** It leads: what does it decide? `undefined` leaves it at what it claims. */
  readonly decide?: (question: Candidacy) => Json | undefined | Promise<Json | undefined>;
}

const busError = errorsOf(busErrors);

/** Answers for a party in the conflicts of a space until it is disposed of. Throws `invalid-id`. */
export function attendConflicts(bus: Bus, space: string, party: string, voice: ConflictVoice): Participation {
  const filter = roundFilter(space, party, conflictProtocol);
  const service = bus.serve(filter, (request) => answer(voice, request), { queue: party });
  return {
    party,
    ready: () => bus.flush(),
    [Symbol.asyncDispose]: () => service.close(),
  };
}

async function answer(voice: ConflictVoice, { body, subject }: ServedRequest): Promise<unknown> {
  const phase = subject.slice(subject.lastIndexOf('.') + 1);
  const verdict = phase === 'resolved' ? readVerdict(body) : undefined;
  if (verdict !== undefined) {
    await voice.told(verdict);
    return { kind: 'noted' };
  }
  const question = phase === 'stand' || phase === 'decide' ? readCandidacy(body) : undefined;
  if (question === undefined) {
    const message = `a question of the phase ${phase} does not look like this; see the protocol, "Conflicts"`;
    throw busError('malformed-message', message, { details: { phase } });
  }
  if (phase === 'stand') return { kind: 'standing' };
  const value = await voice.decide?.(question);
  return value === undefined ? { kind: 'delegate' } : { kind: 'decision', value };
}
