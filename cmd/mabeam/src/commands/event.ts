/** `mabeam event publish|tail`: how people and scripts cause adaptations, and watch what happens. */
import type { Command } from 'commander';
import { jsonBytes, openEvents, readStream, spaceNames, subjects } from '@mabeam/bus';
import { followTrigger, hasActed, type TriggerOutcome } from '../adaptation.ts';
import { converse } from '../conversation.ts';
import { commandError } from '../errors.ts';
import { durationMs, streamPlace, wholeNumber, withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { readJsonInput, withIdentity } from '../input.ts';
import { openOutput } from '../output.ts';
import { renderOutcome } from '../render/adaptation.ts';
import { eventDocument, renderEvent } from '../render/messages.ts';
import { inSpace, interruption, type Place } from '../session.ts';
import { isOfHistory, parseEventFilter, parseEventTarget, type EventTarget } from '../subject.ts';

/** The command `event` with its two. */
export function eventCommand(): Command {
  return teachCommand({
    name: 'event',
    description: 'Publish events and triggers, and follow those that are kept.',
    examples: [
      `mabeam event publish quality-low '{"score":0.7}'`,
      "mabeam event tail 'event.agent.*.*' --from 1",
    ],
  })
    .addCommand(publishCommand())
    .addCommand(tailCommand());
}

interface PublishFlags extends SpaceFlags {
  readonly id?: string;
  readonly source?: string;
  readonly follow?: boolean;
  readonly timeout: number;
}

function publishCommand(): Command {
  const command = teachCommand({
    name: 'publish',
    description:
      'Store an event, or a trigger: the way to cause an adaptation. A trigger acts once per identity (--source, --id); without an id each publish is a new one.',
    examples: [
      `mabeam event publish quality-low '{"score":0.7}'`,
      'mabeam event publish trigger.quality-low --id run-42 --source nightly --follow',
      `mabeam event publish event.order.o1.shipped '{"carrier":"post"}'`,
    ],
  })
    .argument('<subject>', 'name of a trigger, trigger.<name>, or event.<noun>.<id>.<verb>')
    .argument('[json]', 'body: JSON, @file, or - for standard input')
    .option('--id <id>', 'identity of a trigger; of an event the id by which a repetition is dropped')
    .option('--source <name>', 'source of a trigger, part of its identity')
    .option('--follow', 'wait for what the trigger leads to, until the agents have applied it')
    .option('--timeout <duration>', 'with --follow: how long to wait', durationMs, 10_000);
  return withSpace(command).action(async (subject: string, json: string | undefined, flags: PublishFlags) => {
    const output = openOutput(flags.output);
    const body = json === undefined ? undefined : await readJsonInput('the body', json);
    await inSpace(flags, async (place) => {
      const target = parseEventTarget(subject, place.space);
      const { result, traceId } = await converse(place, 'event publish', () =>
        publish(place, target, body, flags),
      );
      const { outcome, ...published } = result;
      if (traceId !== undefined) output.note(`trace ${traceId}`);
      output.result({ ...published, outcome, traceId }, () =>
        outcome === undefined
          ? `${published.subject} is number ${published.sequence} of ${published.stream}`
          : renderOutcome(outcome, output.paint),
      );
    });
  });
}

/** A trigger or event that was stored, and what it led to if that was waited for. */
export interface Published {
  readonly subject: string;
  readonly stream: string;
  readonly sequence: number;
  readonly outcome?: TriggerOutcome;
}

function publish(place: Place, target: EventTarget, body: unknown, flags: PublishFlags): Promise<Published> {
  return target.kind === 'trigger'
    ? publishTrigger(place, target.name, body, flags)
    : publishEvent(place, target, body, flags);
}

/** Stores a trigger; with `follow` waits for what it leads to. Throws `invalid-usage`, `adaptation-pending`. */
export async function publishTrigger(
  place: Place,
  name: string,
  given: unknown,
  { id, source, follow, timeout }: Pick<PublishFlags, 'id' | 'source' | 'follow' | 'timeout'>,
): Promise<Published> {
  const { bus, space } = place;
  const identity = { ...(id === undefined ? {} : { id }), ...(source === undefined ? {} : { source }) };
  const body = withIdentity(given, identity);
  const subject = subjects(space).trigger(name);
  const message = { subject, data: jsonBytes(body), headers: new Map<string, string>(), sequence: 0 };
  const isOld = follow === true && (await hasActed(place, message));
  const sequence = await openEvents(bus, space).trigger(name, body);
  const published = { subject, stream: spaceNames(space).events, sequence };
  if (follow !== true) return published;
  return {
    ...published,
    outcome: { isOld, record: await followTrigger(place, { ...message, sequence }, timeout) },
  };
}

async function publishEvent(
  { bus, space }: Place,
  { noun, id: about, verb }: Extract<EventTarget, { kind: 'event' }>,
  body: unknown,
  { id, source, follow }: PublishFlags,
): Promise<Published> {
  if (source !== undefined || follow === true)
    throw commandError('invalid-usage', '--source and --follow belong to triggers; leave them out');
  const options = id === undefined ? {} : { messageId: id };
  const sequence = await openEvents(bus, space).publish(noun, about, verb, body, options);
  return { subject: subjects(space).event(noun, about, verb), stream: spaceNames(space).events, sequence };
}

interface TailFlags extends SpaceFlags {
  readonly from: number | 'new';
  readonly limit?: number;
}

function tailCommand(): Command {
  const command = teachCommand({
    name: 'tail',
    description:
      'Follow the events and triggers of a space until Ctrl-C; with -o json one document a line. Events of the noun variable are its history: each revision of each key, in a stream of their own.',
    examples: [
      'mabeam event tail',
      "mabeam event tail 'event.variable.space.*.changed' --from 1",
      "mabeam event tail 'event.adaptation.*.applied' --from 1 -o json",
      'mabeam event tail quality-low --limit 1',
    ],
  })
    .argument(
      '[filter]',
      'event.<noun>.<id>.<verb>, trigger.<name> or event.variable.>; * is one part, > the rest; default: all but the history',
    )
    .option('--from <n>', 'first sequence, or "new"', streamPlace, 'new')
    .option('--limit <n>', 'end after so many', wholeNumber(1));
  return withSpace(command).action(async (filter: string | undefined, flags: TailFlags) => {
    const output = openOutput(flags.output);
    const signal = interruption();
    await inSpace(flags, async ({ bus, space }) => {
      const wanted = filter === undefined ? undefined : parseEventFilter(filter, space);
      const only = wanted === undefined ? {} : { filter: subjects(space).at(wanted) };
      const names = spaceNames(space);
      const stream = wanted !== undefined && isOfHistory(wanted) ? names.history : names.events;
      let left = flags.limit ?? Infinity;
      for await (const event of readStream(bus, stream, { ...only, from: flags.from, signal })) {
        output.result(eventDocument(event), () => renderEvent(event, output.paint));
        if (--left <= 0) break;
      }
    });
  });
}
