/** Stories as text. Pure. */
import type {
  Difference,
  DirectiveStory,
  InstanceStory,
  Reason,
  RevisionStory,
  Story,
  VariableStory,
} from '@mabeam/orchestrator';
import { shownCause, shownIdentity } from './cause.ts';
import { oneLine, renderFields, renderTable, shownTime, shownValue, type Paint } from './table.ts';
import { historyDocument, renderHistory } from './variables.ts';

/** What is said of a story in JSON. */
export function storyDocument(story: Story): Readonly<Record<string, unknown>> {
  return story.kind === 'variable' ? { ...story, history: story.history.map(historyDocument) } : { ...story };
}

/** A story as text, a paragraph for each of its parts. */
export function renderStory(story: Story, paint: Paint): string {
  switch (story.kind) {
    case 'revision':
      return renderRevision(story, paint);
    case 'variable':
      return renderVariableStory(story, paint);
    case 'instance':
      return renderInstance(story, paint);
    case 'directive':
      return renderDirective(story, paint);
  }
}

type Fields = (readonly [string, string])[];

function renderRevision(story: RevisionStory, paint: Paint): string {
  const [first, last] = story.changeSet;
  const set = first === last ? '' : `, in the change set ${first} to ${last}`;
  const head = `${paint(['bold'], `revision ${story.revision}`)}${set}`;
  const parts = [
    renderFields(aboutRevision(story), paint),
    section('what changed', story.changes.map(shownDifference), paint),
    section('what it led to', consequenceLines(story), paint),
    section('who works with it', standingLines(story), paint),
  ];
  return [head, ...parts.filter((part) => part !== '')].join('\n');
}

function aboutRevision({
  adaptation,
  at,
  gaps,
  outcome,
  provenance,
  traceId,
  trigger,
}: RevisionStory): Fields {
  const { by, cause, leader } = provenance;
  const fields: Fields = [['when', shownTime(new Date(at))]];
  const fenced = leader === undefined ? '' : ` (fenced by leader revision ${leader})`;
  fields.push(['who', `${oneLine(by ?? 'not said')}${fenced}`]);
  if (provenance.trigger === undefined) fields.push(['why', oneLine(cause ?? 'not said')]);
  else fields.push(['why', `a trigger (${shownIdentity(provenance.trigger)})`]);
  if (trigger !== undefined) {
    const body = trigger.body === undefined ? '' : `: ${shownValue(trigger.body, 500)}`;
    fields.push([
      'trigger',
      `${oneLine(trigger.name)} at ${shownTime(new Date(trigger.at))}${oneLine(body)}`,
    ]);
  }
  if (adaptation !== undefined) fields.push(...aboutAdaptation(adaptation));
  if (traceId !== undefined) fields.push(['trace', traceId]);
  fields.push(['outcome', shownOutcome(outcome)]);
  for (const { from, to } of gaps) fields.push(['lost', `revisions ${from} to ${to} (history-gap)`]);
  return fields;
}

/** What the fields of a record say is shown in the order of time; what this version does not know as it is. */
const knownFields = new Set(
  'v source id trigger rule changes outcome reason at triggeredAt committedAt appliedAt undoneAt announcedAt revision traceparent vote'.split(
    ' ',
  ),
);

function aboutAdaptation({ hash, phases, record }: NonNullable<RevisionStory['adaptation']>): Fields {
  const text = (field: string): string => {
    const value = record[field];
    return typeof value === 'string' ? oneLine(value) : '';
  };
  const times = [
    ['triggered', 'triggeredAt'],
    ['committed', 'committedAt'],
    ['applied', 'appliedAt'],
    ['undone', 'undoneAt'],
    ['announced', 'announcedAt'],
  ].flatMap(([name = '', field = '']) => (text(field) === '' ? [] : [`${name} ${text(field)}`]));
  const fields: Fields = [['adaptation', hash]];
  if (text('rule') !== '') fields.push(['rule', text('rule')]);
  if (times.length > 0) fields.push(['times', times.join(', ')]);
  // That it was announced is written into the record again; it is no other phase.
  const reached = phases.filter(({ outcome }, index) => phases[index - 1]?.outcome !== outcome);
  const steps = reached.map(({ outcome, revision }) => `${oneLine(outcome)} at revision ${revision}`);
  if (steps.length > 0) fields.push(['phases', steps.join(', ')]);
  fields.push(...aboutVote(record['vote']));
  for (const [name, value] of Object.entries(record))
    if (!knownFields.has(name)) fields.push([oneLine(name), oneLine(shownValue(value, 500))]);
  return fields;
}

/** The vote that a record tells of: the round, how it ended, and what each of the electorate said. */
function aboutVote(vote: unknown): Fields {
  if (typeof vote !== 'object' || vote === null) return [];
  const { certificate, electorate, ending, round, threshold, votes } = fieldsOf(vote);
  const more = typeof threshold === 'number' ? `, more than ${threshold} needed` : '';
  const fields: Fields = [
    ['vote', oneLine(`round ${shownText(round)}: ${shownText(ending ?? 'under way')}${more}`)],
  ];
  const said = fieldsOf(votes);
  const members = Array.isArray(electorate)
    ? electorate.map((member) => shownText(fieldsOf(member)['party']))
    : [];
  const opinions = members.map((member) => `${member} ${opinion(said, member)}`);
  if (opinions.length > 0) fields.push(['votes', oneLine(opinions.join(', '))]);
  if (certificate !== undefined) fields.push(['certificate', oneLine(shownText(certificate))]);
  return fields;
}

function opinion(votes: Readonly<Record<string, unknown>>, member: string): string {
  if (!Object.hasOwn(votes, member)) return 'not counted';
  return votes[member] === null ? 'no' : 'yes';
}

/** The fields of what a record has at some place; none when it is no object. */
function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function shownText(value: unknown): string {
  return typeof value === 'string' ? value : shownValue(value, 100);
}

function shownOutcome(outcome: RevisionStory['outcome']): string {
  switch (outcome.kind) {
    case 'in-force':
      return 'in force';
    case 'superseded':
      return `superseded by revision ${outcome.revision}${outcome.by === undefined ? '' : ` of ${oneLine(outcome.by)}`}`;
    case 'refused':
      return `refused: no reader took it; repaired at revision ${outcome.repairedAt}`;
    case 'adaptation':
      return `${oneLine(outcome.outcome)}${outcome.reason === undefined ? '' : `: ${oneLine(outcome.reason)}`}`;
    case 'recorded':
      return 'recorded';
  }
}

function shownDifference(change: Difference): string {
  const { content, id, key, operation, before, after, candidate } = change;
  const name = content === 'value' ? id : key;
  if (content === 'adaptation') return `${key}: recorded`;
  if (operation === 'delete') return `${oneLine(name)}: deleted`;
  const from = before === undefined ? 'nothing known' : oneLine(shownValue(before, 200));
  const trial = candidate === undefined ? '' : `, on trial ${oneLine(shownValue(candidate, 200))}`;
  return `${oneLine(name)}: ${from} → ${oneLine(shownValue(after, 200))}${trial}`;
}

function consequenceLines({ ledTo }: RevisionStory): readonly string[] {
  const { graph, instances } = ledTo;
  const wired =
    graph === undefined
      ? []
      : [`graph of epoch ${graph.epoch}: ${graph.topology ?? '?'} of ${(graph.nodes ?? []).join(', ')}`];
  const lived = instances.map(({ agent, ordinal, verb, at, node, reason, linkedBy }) => {
    const where = node === undefined ? '' : ` on ${node}`;
    const why = reason === undefined ? '' : ` (${reason})`;
    const link = linkedBy === 'time' ? ', by its time' : '';
    return oneLine(`${agent}.${ordinal} ${verb}${where}${why} at ${shownTime(new Date(at))}${link}`);
  });
  return [...wired, ...lived];
}

function standingLines({ standing }: RevisionStory): readonly string[] {
  if (standing === undefined) return [];
  const names = (instances: readonly { readonly agent: string; readonly ordinal: number }[]): string =>
    instances.map(({ agent, ordinal }) => `${agent}.${ordinal}`).join(', ');
  const late = standing.without.length === 0 ? [] : [`not yet: ${names(standing.without)}`];
  return [standing.with.length === 0 ? 'nobody runs' : names(standing.with), ...late];
}

function renderVariableStory({ history, id, newest, revision, value }: VariableStory, paint: Paint): string {
  const fields: Fields = [
    ['variable', paint(['bold'], id)],
    ['value', shownValue(value, 500)],
    ['revision', revision === 0 ? '0 (initial value)' : String(revision)],
  ];
  const parts = [renderFields(fields, paint)];
  if (newest !== undefined) parts.push('', renderRevision(newest, paint));
  return [...parts, '', renderHistory(history, paint)].join('\n');
}

function renderDirective(story: DirectiveStory, paint: Paint): string {
  const { action, agent, because, by, epoch, id, outcome, revision, tellings, variable } = story;
  const of = revision === 0 ? 'its initial value' : `revision ${revision}`;
  const fields: Fields = [
    ['who', `${oneLine(by)} to ${oneLine(agent)}: ${oneLine(action)}`],
    ['why', oneLine(`${variable} at ${of}, graph of epoch ${epoch}`)],
  ];
  if (because !== undefined) {
    const { by: author, cause, trigger } = because;
    const why = trigger === undefined ? (cause ?? 'no cause said') : `a trigger (${shownIdentity(trigger)})`;
    fields.push(['written', oneLine(`by ${author ?? 'somebody'}: ${why}`)]);
  }
  fields.push(['outcome', oneLine(outcome)]);
  const lines = tellings.map((telling) => {
    const quarrel =
      telling.overriddenBy === undefined
        ? ''
        : ` by ${telling.overriddenBy} (${telling.conflict ?? 'conflict'} about ${telling.target ?? agent})`;
    const why = telling.reason === undefined ? '' : `: ${telling.reason}`;
    const said = telling.answers.map(({ kind, ordinal, reason }) => {
      const more = reason === undefined ? '' : ` (${reason})`;
      return `${agent}.${ordinal} ${kind}${more}`;
    });
    const answers = said.length === 0 ? '' : `; ${said.join(', ')}`;
    return oneLine(`${shownTime(new Date(telling.at))} ${telling.outcome}${quarrel}${why}${answers}`);
  });
  const head = `${paint(['bold'], 'directive')} ${id}`;
  return [head, renderFields(fields, paint), section('what became of it', lines, paint)].join('\n');
}

function renderInstance(story: InstanceStory, paint: Paint): string {
  const name = story.ordinal === undefined ? story.agent : `${story.agent}.${story.ordinal}`;
  const now = story.now.map((each) => {
    const held = each.isLeased ? 'its lease is live' : 'without a lease';
    const wanted = each.isDesired ? 'ought to run' : 'ought not to run';
    const why = each.reason === undefined ? '' : ` (${each.reason})`;
    const since = `since ${each.since}, ${each.restarts} restarts`;
    return oneLine(
      `${story.agent}.${each.ordinal} ${each.status}${why} on ${each.node} ${since}; ${held}, ${wanted}`,
    );
  });
  const rows = story.events.map(({ at, incarnation, ordinal, verb, reason, reasonFor }) => [
    shownTime(new Date(at)),
    `${story.agent}.${ordinal}`,
    verb,
    incarnation,
    reason === undefined ? undefined : oneLine(reason),
    reasonFor === undefined ? undefined : shownReason(reasonFor),
  ]);
  const headings = ['at', 'instance', 'event', 'incarnation', 'reason', 'because of'];
  return [
    paint(['bold'], name),
    section('now', now.length === 0 ? ['has never run'] : now, paint),
    section('what governs it', story.because.map(shownReason), paint),
    rows.length === 0 ? '' : renderTable(headings, rows, paint),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function shownReason({ by, cause, key, linkedBy, revision }: Reason): string {
  const who = by === undefined ? '' : ` by ${by}`;
  const why = cause === undefined ? '' : `: ${shownCause(cause)}`;
  return oneLine(`${key} at revision ${revision}${who}${why}${linkedBy === 'trace' ? ', by its trace' : ''}`);
}

function section(title: string, lines: readonly string[], paint: Paint): string {
  return lines.length === 0 ? '' : [paint(['bold'], title), ...lines.map((line) => `  ${line}`)].join('\n');
}
