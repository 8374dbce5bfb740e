/** What a person calls a place in the event stream: `quality-low`, `trigger.quality-low`, `event.mail.m1.arrived`. Pure. */
import { parseToken } from '@mabeam/bus';
import { commandError } from './errors.ts';

/** Where an event goes. */
export type EventTarget =
  | { readonly kind: 'trigger'; readonly name: string }
  | { readonly kind: 'event'; readonly noun: string; readonly id: string; readonly verb: string };

/** Reads the place; a bare name is a trigger. Throws `invalid-usage`, `invalid-id`. */
export function parseEventTarget(text: string, space: string): EventTarget {
  const [head = '', ...rest] = relative(text, space).split('.');
  const [first = '', second = '', third = ''] = rest;
  if (rest.length === 0) return { kind: 'trigger', name: parseToken('trigger', head) };
  if (head === 'trigger' && rest.length === 1) return { kind: 'trigger', name: parseToken('trigger', first) };
  if (head === 'event' && rest.length === 3) return { kind: 'event', noun: first, id: second, verb: third };
  const message = `"${text}" is neither a trigger (quality-low, trigger.quality-low) nor an event (event.<noun>.<id>.<verb>)`;
  throw commandError('invalid-usage', message, { details: { subject: text } });
}

/** Reads a filter of events, relative to the space; a bare name is a trigger. Throws `invalid-usage`. */
export function parseEventFilter(text: string, space: string): string {
  const filter = relative(text, space);
  const tokens = filter.split('.');
  const filled = tokens.length === 1 && filter !== '>' ? ['trigger', ...tokens] : tokens;
  const isSound = filled.every(
    (token, at) => /^[a-z0-9_*-]+$/.test(token) || (token === '>' && at === filled.length - 1),
  );
  if (isSound && ['event', 'trigger'].includes(filled[0] ?? '') && filled.length > 1) return filled.join('.');
  const message = `"${text}" is not a filter of events; write event.<noun>.<id>.<verb> or trigger.<name>, with * for one part and > for the rest`;
  throw commandError('invalid-usage', message, { details: { filter: text } });
}

/** Is a filter about the history of the space: events of the noun `variable`, which have a stream of their own? */
export function isOfHistory(filter: string): boolean {
  return filter.startsWith('event.variable.');
}

/** Takes the whole subject as well. */
function relative(text: string, space: string): string {
  const whole = `mabeam.${space}.`;
  return text.startsWith(whole) ? text.slice(whole.length) : text;
}
