/** The party's end of a plan, whichever part it plays: coordinator, subordinate, superior of others. */
import { busErrors, errorsOf, type Bus, type ServedRequest } from '@mabeam/bus';
import type { z } from 'zod';
import type { Participation } from '../negotiation/participate.ts';
import { roundFilter } from '../session/round.ts';
import {
  beginSchema,
  divideSchema,
  feedbackSchema,
  hierarchyProtocol,
  offerSchema,
  type Beginning,
  type DivideQuestion,
  type Feedback,
  type Offer,
} from './messages.ts';
import { divideTasks, type Assignment } from './plan.ts';

/** What a party does in plans. What it leaves out, it does in the usual way. */
export interface HierarchyVoice {
  /** It coordinates: who is to have these tasks? Usually each goes to the able party that has the fewest. */
  readonly divide?: (question: DivideQuestion) => readonly Assignment[] | Promise<readonly Assignment[]>;
  /** Does it take the task? A text is its reason to refuse. Usually it takes it. */
  readonly take?: (offer: Offer) => true | string | Promise<true | string>;
  /** These are its tasks; the text is what it reports upwards. Told again when a conductor took over, under the same round. */
  readonly begin?: (beginning: Beginning) => string | undefined | Promise<string | undefined>;
  /** Those below it report. */
  readonly hear?: (feedback: Feedback) => void | Promise<void>;
}

const busError = errorsOf(busErrors);

/** Answers for a party in the plans of a space until it is disposed of. Throws `invalid-id`. */
export function serveHierarchy(
  bus: Bus,
  space: string,
  party: string,
  voice: HierarchyVoice = {},
): Participation {
  const filter = roundFilter(space, party, hierarchyProtocol);
  const service = bus.serve(filter, (request) => answer(voice, request), { queue: party });
  return {
    party,
    ready: () => bus.flush(),
    [Symbol.asyncDispose]: () => service.close(),
  };
}

async function answer(voice: HierarchyVoice, { body, subject }: ServedRequest): Promise<unknown> {
  const phase = subject.slice(subject.lastIndexOf('.') + 1);
  switch (phase) {
    case 'divide': {
      const question = read(divideSchema, body, phase);
      const assignments = await (voice.divide ?? divideUsually)(question);
      return { kind: 'division', assignments };
    }
    case 'offer': {
      const taken = (await voice.take?.(read(offerSchema, body, phase))) ?? true;
      return taken === true ? { kind: 'accepted' } : { kind: 'rejected', reason: taken };
    }
    case 'begin': {
      const note = await voice.begin?.(read(beginSchema, body, phase));
      return { kind: 'begun', ...(note === undefined ? {} : { note }) };
    }
    case 'feedback': {
      await voice.hear?.(read(feedbackSchema, body, phase));
      return { kind: 'heard' };
    }
    default:
      throw malformed(phase);
  }
}

function divideUsually({ given, refused, subordinates, tasks }: DivideQuestion): Assignment[] {
  return divideTasks(tasks, subordinates, given, refused);
}

function read<T>(schema: z.ZodType<T>, body: unknown, phase: string): T {
  const result = schema.safeParse(body);
  if (!result.success) throw malformed(phase);
  return result.data;
}

function malformed(phase: string): Error {
  const message = `a question of the phase ${phase} does not look like this; see the protocol, "Hierarchies"`;
  return busError('malformed-message', message, { details: { phase } });
}
