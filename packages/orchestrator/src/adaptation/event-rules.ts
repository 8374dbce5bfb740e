/**
 * Rules by event: from events of the space to changes in the bucket.
 *
 * E1 As long as a rule names events, the leader reads the event stream from where it was read last. That place is the key `answered`,
 *    written with the fence; a new leader goes on there. An event may so be looked at twice, and acts once (its record).
 * E2 Reading begins with what comes after the first rule by event; when there is none any more, the place is given up.
 * E3 What fails is tried again before the next event, for as long as that may help; an event whose answer fails for another reason
 *    again and again is passed over, with a line in the log.
 */
import {
  contextFrom,
  inSpan,
  lastSequence,
  MabeamError,
  pause,
  parseJson,
  readKey,
  readStream,
  type StoredMessage,
} from '@mabeam/bus';
import { attributes } from '@mabeam/telemetry/api';
import { z } from 'zod';
import { adaptOnce } from './adapt.ts';
import type { AdaptationRule } from './adaptation-rule.ts';
import { doesAnswer } from './rules.ts';
import { FreezeHistory } from '../term/freeze.ts';
import type { Term } from '../term/term.ts';
import { identityHash, readEvent } from './trigger.ts';

/** The key that says up to which sequence of the event stream rules have answered. */
export const answeredKey = 'answered';

const placeSchema = z.object({ v: z.literal(1), sequence: z.int().min(0) });

const idleMs = 500;
const retryMs = 500;
const maxAttempts = 5;
/** The place is written after so much time, or so many events, since it was last. */
const placeEveryMs = 5_000;
const placeEvery = 1_000;

/** Answers events by the rules that name them, one at a time and in their order, until the term is over. */
export async function runEventRules(term: Term): Promise<void> {
  const { log, signal } = term;
  const freezes = new FreezeHistory(term.bus, term.names.bucket);
  let mayHavePlace = true;
  while (!signal.aborted) {
    try {
      const hasRules = eventRules(term).length > 0;
      const place = new Place(term);
      if (hasRules) await readEvents(term, freezes, place);
      else if (mayHavePlace) await place.giveUp();
      mayHavePlace = hasRules;
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error }, 'reading events for the rules failed; it is taken up again');
    }
    await pause(idleMs, signal);
  }
}

function eventRules({ mirror }: Term): readonly AdaptationRule[] {
  return [...mirror.state.rules.values()].filter(({ on }) => 'event' in on);
}

/** Reads on until the term is over, or no rule is by event any more (E1, E2). */
async function readEvents(term: Term, freezes: FreezeHistory, place: Place): Promise<void> {
  const { bus, names, signal, subjects } = term;
  const options = { filter: subjects.at('event.>'), from: (await place.open()) + 1, signal };
  for await (const event of readStream(bus, names.events, options)) {
    const rules = eventRules(term);
    if (rules.length === 0) return;
    await answerPatiently(term, freezes, { event, rules });
    if (signal.aborted) return;
    await place.move(event.sequence);
  }
}

interface Happened {
  readonly event: StoredMessage;
  readonly rules: readonly AdaptationRule[];
}

/** E3. */
async function answerPatiently(term: Term, freezes: FreezeHistory, happened: Happened): Promise<void> {
  let failures = 0;
  while (!term.signal.aborted) {
    try {
      return await answer(term, freezes, happened);
    } catch (error) {
      if (term.signal.aborted) return;
      const about = { err: error, event: happened.event.subject, sequence: happened.event.sequence };
      if (!(error instanceof MabeamError && error.retryable)) failures++;
      if (failures >= maxAttempts)
        return term.log.error(about, 'an event could not be answered; it is passed over');
      term.log.warn(about, 'an event could not be answered; it is tried again');
      await pause(retryMs, term.signal);
    }
  }
}

async function answer(term: Term, freezes: FreezeHistory, { event, rules }: Happened): Promise<void> {
  const trigger = readEvent(event);
  const occasion = { event: trigger.name };
  if (!rules.some((rule) => doesAnswer(rule, occasion, trigger))) return;
  const hash = identityHash(trigger);
  const span = {
    kind: 'consumer',
    name: 'adapt on an event',
    attributes: {
      [attributes.alwaysSample]: true,
      [attributes.space]: term.space,
      [attributes.trigger]: trigger.name,
      [attributes.adaptation]: hash,
      [attributes.messagingDestination]: event.subject,
    },
    parent: contextFrom(trigger.traceparent),
  } as const;
  const outcome = await inSpan(span, (active) =>
    adaptOnce(term, freezes, { trigger, occasion, hash, delivery: event, span: active }),
  );
  const level = outcome.kind === 'unanswered' ? 'debug' : 'info';
  const about = { event: trigger.name, adaptation: hash, outcome: outcome.kind, reason: outcome.reason };
  term.log[level](about, `event ${trigger.name}: ${outcome.kind}`);
}

/** How far the events have been answered: the key, and what has been read beyond it. */
class Place {
  readonly #term: Term;
  #revision = 0;
  #written = 0;
  #writtenAt = 0;

  constructor(term: Term) {
    this.#term = term;
  }

  /** The last sequence that was answered; at the first time, and when a stranger has written there, the newest one. */
  async open(): Promise<number> {
    const { bus, names } = this.#term;
    const entry = await readKey(bus, names.bucket, answeredKey);
    this.#revision = entry?.revision ?? 0;
    const place = entry?.operation === 'put' ? placeSchema.safeParse(readBody(entry.data)).data : undefined;
    const newest = await lastSequence(bus, names.events);
    if (place === undefined) await this.#write(newest);
    else [this.#written, this.#writtenAt] = [Math.min(place.sequence, newest), performance.now()];
    return place === undefined ? newest : this.#written;
  }

  /** Moves on; written now and then. */
  async move(sequence: number): Promise<void> {
    const isDue = performance.now() - this.#writtenAt >= placeEveryMs;
    if (isDue || sequence - this.#written >= placeEvery) await this.#write(sequence);
  }

  async giveUp(): Promise<void> {
    const { bus, leadership, names } = this.#term;
    const entry = await readKey(bus, names.bucket, answeredKey);
    if (entry?.operation !== 'put') return;
    const removal = {
      key: answeredKey,
      body: undefined,
      operation: 'delete',
      expect: entry.revision,
    } as const;
    await leadership.commit([removal]);
  }

  async #write(sequence: number): Promise<void> {
    const { bus, leadership, names } = this.#term;
    const body = { v: 1, sequence };
    const outcome = await leadership.commit([{ key: answeredKey, body, expect: this.#revision }]);
    this.#writtenAt = performance.now();
    if (outcome.kind === 'conflict')
      this.#revision = (await readKey(bus, names.bucket, answeredKey))?.revision ?? 0;
    if (outcome.kind !== 'committed') return;
    this.#revision = outcome.revisions[answeredKey] ?? outcome.revision;
    this.#written = sequence;
  }
}

function readBody(data: Uint8Array): unknown {
  try {
    return parseJson(data);
  } catch {
    return undefined;
  }
}
