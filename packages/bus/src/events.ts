/**
 * Events and triggers of a space, kept in its event stream: at least once, deduplicated by message id. An event says what
 * has happened (`event.<noun>.<id>.<past-participle>`); a trigger asks the team to adapt, and anyone permitted may
 * publish one.
 */
import type { Bus } from './bus.ts';
import { jsonBytes } from './codec.ts';
import { assertJourney, journeyHeaders, type Journey } from './journey.ts';
import { readStream, readStreamOnce, type ReadOptions, type StoredMessage } from './read-stream.ts';
import { spaceNames } from './space-names.ts';
import { subjects } from './subjects.ts';
import { attributes } from './semconv.ts';
import { activeTraceparent, inSpan } from './tracing.ts';

/** How an event is kept, and the conversation it belongs to. */
export interface EventOptions extends Journey {
  /** An event with the id of one already stored (within two minutes) is not stored again. */
  readonly messageId?: string;
  /** Kept only if this is the sequence of the last one with its noun, id and verb (0: there is none yet); else `conflict`. */
  readonly expectLastSequence?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Which events are read, and until when. */
export interface EventReadOptions extends Omit<ReadOptions, 'filter'> {
  /** Relative to the space: `event.mail.*.scored`, `trigger.>`. All of the stream when absent. */
  readonly filter?: string;
}

/** The events and triggers of one space. */
export interface Events {
  readonly space: string;
  /** Publishes an event; resolves with its sequence in the stream. */
  publish(noun: string, id: string, verb: string, body: unknown, options?: EventOptions): Promise<number>;
  /** Publishes a trigger; resolves with its sequence. */
  trigger(name: string, body: unknown, options?: EventOptions): Promise<number>;
  /** Yields events from a sequence on, for ever, until the signal aborts. */
  follow(options?: EventReadOptions): AsyncGenerator<StoredMessage, void>;
  /** Yields the events stored now. */
  read(options?: Omit<EventReadOptions, 'signal'>): AsyncGenerator<StoredMessage, void>;
}

/** The events of a space, on this connection; its streams exist already. Throws `invalid-id`. */
export function openEvents(bus: Bus, space: string): Events {
  const at = subjects(space);
  const stream = spaceNames(space).events;
  const relative = <T extends EventReadOptions>(options: T): T =>
    options.filter === undefined ? options : { ...options, filter: at.at(options.filter) };
  const store = (subject: string, name: string, body: unknown, options: EventOptions = {}): Promise<number> =>
    inSpan(
      {
        kind: 'producer',
        name: `send ${name}`,
        attributes: { [attributes.space]: space, [attributes.messagingDestination]: subject },
      },
      async () => {
        const { messageId, expectLastSequence, headers: given, timeoutMs } = options;
        assertJourney(options);
        const own = { 'Content-Type': 'application/json', traceparent: activeTraceparent() };
        const ack = await bus.store(subject, jsonBytes(body), {
          headers: { ...own, ...journeyHeaders(options), ...given },
          ...(messageId === undefined ? {} : { messageId }),
          ...(expectLastSequence === undefined ? {} : { expectLastSequence }),
          ...(timeoutMs === undefined ? {} : { timeoutMs }),
        });
        return ack.sequence;
      },
    );
  return {
    space,
    publish: (noun, id, verb, body, options) =>
      store(at.event(noun, id, verb), `event.${noun}.${verb}`, body, options),
    trigger: (name, body, options) => store(at.trigger(name), `trigger.${name}`, body, options),
    follow: (options = {}) => readStream(bus, stream, relative(options)),
    read: (options = {}) => readStreamOnce(bus, stream, relative(options)),
  };
}
